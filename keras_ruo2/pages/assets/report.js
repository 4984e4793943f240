// What happens when somebody moves the slider, chooses a structure or asks for a file.
(function () {
  'use strict';
  function byId(name) { return document.getElementById(name); }
  function read(name) { return JSON.parse(byId(name).textContent); }
  var data = read('report-data'), gas = oxygenGas(data.oxygen), structures = {};
  var slider = byId('dmu'), kelvin = byId('kelvin'), bar = byId('bar'), note = byId('gas-note');
  var dmu = Number(slider.value), indices = [], chosen = -1, waiting = false;
  var group = {}, one = viewers.mount(byId('one'), group), other = viewers.mount(byId('other'), group);

  function structure(number) {
    structures[number] = structures[number] || read('structure-' + number);
    return structures[number];
  }
  function signed(value) {
    return (value < 0 ? '−' : '+') + Math.abs(value).toFixed(1) + ' meV/Å²';
  }
  var ranking = rankingTable(data, {choose: choose, again: again});
  var diagram = phaseDiagram(byId('diagram'), data, gas, {
    choose: choose,
    drawn: function () {
      diagram.drawTemperatures(decades());
      diagram.show(indices);
      if (chosen >= 0) { diagram.choose(chosen); }
      diagram.move(dmu);
    },
    move: function (steps) { setPotential(dmu + 0.01 * steps); },
    next: function (up) {
      var ordered = indices.filter(function (index) { return data.rows[index].line; })
        .sort(function (a, b) { return ranking.at(a).gamma - ranking.at(b).gamma; });
      var place = ordered.indexOf(chosen) + up;
      if (ordered[place] !== undefined) { choose(ordered[place]); }
    }
  });

  function again() {
    indices = ranking.update(dmu);
    diagram.show(indices);
    diagram.move(dmu);
    byId('dmu-shown').textContent = dmu.toFixed(3).replace('-', '−');
    slider.setAttribute('aria-valuetext', dmu.toFixed(3) + ' eV');
    compare();
  }
  // Many events of a slider may come between two frames: one update is enough for them.
  function soon() {
    if (waiting) { return; }
    waiting = true;
    window.requestAnimationFrame(function () { waiting = false; again(); });
  }
  function decades() { return bar.value === '' ? 0 : Number(bar.value); }
  function setPotential(value) {
    dmu = Math.min(data.limits[1], Math.max(data.limits[0], value));
    slider.value = dmu;
    var found = gas.temperature(dmu, decades());
    kelvin.value = found === null ? '' : found.toFixed(0);
    note.textContent = found === null
      ? 'No temperature from ' + gas.coldest + ' to ' + gas.hottest
        + ' K gives this Δμ(O) at this pressure.' : '';
    soon();
  }
  slider.addEventListener('input', function () { setPotential(Number(slider.value)); });
  kelvin.addEventListener('input', function () {
    var value = Number(kelvin.value);
    if (kelvin.value === '' || value < gas.coldest || value > gas.hottest) {
      note.textContent = 'Temperatures from ' + gas.coldest + ' to ' + gas.hottest
        + ' K are tabulated.';
      return;
    }
    var wanted = gas.potential(value, decades());
    dmu = Math.min(data.limits[1], Math.max(data.limits[0], wanted));
    slider.value = dmu;
    note.textContent = Math.abs(wanted - dmu) < 1e-6 ? ''
      : 'Δμ(O) would be ' + wanted.toFixed(2).replace('-', '−') + ' eV, '
        + (wanted < dmu ? data.beyond : 'more than oxygen gas that does not condense has') + '.';
    soon();
  });
  bar.addEventListener('input', function () {
    if (bar.value === '') { return; }
    diagram.drawTemperatures(decades());
    setPotential(dmu);
  });
  byId('gas').addEventListener('submit', function (event) { event.preventDefault(); });

  function caption(place, row, extra) {
    var name = document.createElement('b');
    name.textContent = row.name;
    place.replaceChildren(name, ' ' + row.formula + (extra ? ', ' + extra : ''));
  }
  function describe(canvas, text) { byId(canvas).setAttribute('aria-label', text); }
  function choose(index) {
    var row = data.rows[index], partner = row.nearest;
    chosen = index;
    ranking.choose(index);
    diagram.choose(index);
    diagram.move(dmu);
    one.show(structure(row.structure).drawing);
    caption(byId('one-said'), row, row.said);
    describe('one', row.name + ', ' + row.formula + ', ' + row.origin);
    other.show(partner ? structure(partner.structure).drawing : null);
    if (partner) {
      caption(byId('other-said'), partner, 'known');
    } else {
      byId('other-said').textContent = row.kind === 'known' ? 'This is a known slab.'
        : 'No known slab is near to what is no valid slab.';
    }
    describe('other', partner ? 'Nearest known slab: ' + partner.name : 'No known slab');
    compare();
  }
  function compare() {
    if (chosen < 0) { return; }
    var row = data.rows[chosen], above = ranking.at(chosen).above;
    var told = row.difference.concat(row.chain ? ['From: ' + row.chain] : []);
    if (above !== null && row.kind !== 'known') {
      told.unshift('At Δμ(O) = ' + dmu.toFixed(2).replace('-', '−') + ' eV: ' + signed(above)
        + (data.beside_known ? ' from the best known slab of its facet.'
          : ' from the best one found.'));
    }
    var list = byId('difference');
    told.forEach(function (text, place) {  // what does not change is not said again
      var item = list.children[place] || list.appendChild(document.createElement('li'));
      if (item.textContent !== text) { item.textContent = text; }
    });
    while (list.children.length > told.length) { list.lastChild.remove(); }
  }
  byId('actions').addEventListener('click', function (event) {
    var kind = event.target.dataset.kind;
    if (!kind || chosen < 0) { return; }
    var found = structure(data.rows[chosen].structure);
    var link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([found.files[kind]], {type: 'text/plain'}));
    link.download = found.file + '.' + kind;
    link.click();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  });
  function legend() {
    var place = byId('legend'), space = byId('diagram').namespaceURI;
    function entry(text, stroke, classes) {
      var item = document.createElement('li');
      var svg = item.appendChild(document.createElementNS(space, 'svg'));
      var line = svg.appendChild(document.createElementNS(space, 'line'));
      [['x1', 0], ['x2', 26], ['y1', 5], ['y2', 5]].forEach(function (pair) {
        line.setAttribute(pair[0], pair[1]);
      });
      line.style.stroke = stroke;
      if (classes === 'known') { line.setAttribute('stroke-dasharray', '5 4'); }
      if (classes === 'baseline') { line.style.strokeOpacity = 0.45; line.style.strokeWidth = 1; }
      item.appendChild(document.createTextNode(text));
      place.appendChild(item);
    }
    data.facets.forEach(function (facet) { entry(facet, diagram.colour({facet: facet}), ''); });
    entry('generated', 'currentColor', '');
    [['known', 'known'], ['baseline', 'baseline']].forEach(function (pair) {
      var there = data.rows.some(function (row) { return row.kind === pair[0]; });
      if (there) { entry(pair[0], 'currentColor', pair[1]); }
    });
  }

  // Each card turns by itself, and is drawn when it first comes into view.
  var watcher = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (!entry.isIntersecting) { return; }
      watcher.unobserve(entry.target);
      Array.from(entry.target.querySelectorAll('canvas')).reduce(function (cardGroup, canvas) {
        viewers.mount(canvas, cardGroup).show(structure(Number(canvas.dataset.structure)).drawing);
        return cardGroup;
      }, {});
    });
  });
  document.querySelectorAll('.cards figure').forEach(function (card) { watcher.observe(card); });
  legend();
  diagram.drawTemperatures(decades());
  dmu = Number(slider.value);
  var found = gas.temperature(dmu, decades());
  kelvin.value = found === null ? '' : found.toFixed(0);
  again();
  ranking.tell();
  var first = indices.find(function (index) { return data.rows[index].kind === 'generated'; });
  choose(first === undefined ? indices[0] : first);
}());
