// Surface free energies against dmu_O as lines of an SVG; texts are set, never parsed.
function phaseDiagram(svg, data, gas, events) {
  'use strict';
  var BOX = {left: 52, right: 0, top: 44, bottom: 0};
  var low = data.limits[0], high = data.limits[1], bottom = 0, top = 1;
  var curves = [], ticks = [], chosen = -1, shownRows = [], cursor, dot;

  function add(name, attributes, text, parent) {
    var made = document.createElementNS(svg.namespaceURI, name);
    Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text !== undefined) { made.textContent = text; }
    (parent || svg).appendChild(made);
    return made;
  }
  function pressure(decades) {
    if (decades === 0) { return '1'; }
    var raised = {'-': '⁻', '.': '·'}, digits = '⁰¹²³⁴⁵⁶⁷⁸⁹';
    return '10' + String(Number(decades.toFixed(2))).replace(/./g, function (sign) {
      return raised[sign] || digits[Number(sign)];
    });
  }
  function gamma(row, dmu) { return row.line[0] + row.line[1] * dmu; }
  function x(dmu) { return BOX.left + (dmu - low) / (high - low) * (BOX.right - BOX.left); }
  function y(value) {
    return BOX.bottom - (value - bottom) / (top - bottom) * (BOX.bottom - BOX.top);
  }
  function colour(row) { return 'var(--facet-' + data.facets.indexOf(row.facet) % 7 + ')'; }
  function steps(from, to, about) {
    var raw = (to - from) / about, power = Math.pow(10, Math.floor(Math.log10(raw)));
    var size = [1, 2, 5, 10].map(function (n) { return n * power; }).find(function (n) {
      return n >= raw;
    });
    var found = [];
    for (var k = Math.ceil(from / size - 1e-9); k * size <= to + 1e-9; k += 1) {
      found.push(k * size);
    }
    return {values: found, decimals: Math.max(0, -Math.floor(Math.log10(size) + 1e-9))};
  }
  // What is far above the lowest lines is cut off: half of the diagram would be empty otherwise.
  function range() {
    var ends = [];
    data.rows.forEach(function (row) {
      if (row.line) { ends.push(gamma(row, low), gamma(row, high)); }
    });
    ends.sort(function (one, other) { return one - other; });
    bottom = Math.min(0, ends[0] || 0) - 5;
    top = Math.max(bottom + 40, (ends[Math.floor(0.9 * (ends.length - 1))] || 0) * 1.08);
  }
  function axes() {
    add('rect', {x: BOX.left, y: BOX.top, width: BOX.right - BOX.left,
      height: BOX.bottom - BOX.top, 'class': 'axis'});
    var lateral = steps(low, high, BOX.right / 100), upward = steps(bottom, top, 6);
    lateral.values.forEach(function (value) {
      add('text', {x: x(value), y: BOX.bottom + 17, 'text-anchor': 'middle'},
        value.toFixed(lateral.decimals).replace('-', '−'));
    });
    upward.values.forEach(function (value) {
      add('text', {x: BOX.left - 7, y: y(value) + 4, 'text-anchor': 'end'},
        value.toFixed(upward.decimals).replace('-', '−'));
    });
    add('line', {x1: BOX.left, x2: BOX.right, y1: y(0), y2: y(0), 'class': 'zero'});
    add('text', {x: (BOX.left + BOX.right) / 2, y: BOX.bottom + 38, 'text-anchor': 'middle'},
      'Δμ(O) (eV)');
    add('text', {transform: 'translate(16 ' + (BOX.top + BOX.bottom) / 2 + ') rotate(-90)',
      'text-anchor': 'middle'}, 'γ (meV/Å²)');
  }
  function draw() {
    var width = svg.clientWidth || 720, height = svg.clientHeight || 480;
    svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
    BOX.right = width - 14;
    BOX.bottom = height - 46;
    svg.replaceChildren();
    ticks = [];
    range();
    axes();
    add('rect', {x: BOX.left, y: BOX.top, width: BOX.right - BOX.left,
      height: BOX.bottom - BOX.top}, undefined, add('clipPath', {id: 'inside'}));
    var inside = add('g', {'clip-path': 'url(#inside)'});
    curves = data.rows.map(function (row) {
      if (!row.line) { return null; }
      var curve = add('line', {x1: x(low), x2: x(high), y1: y(gamma(row, low)),
        y2: y(gamma(row, high)), 'class': 'curve ' + row.kind}, undefined, inside);
      curve.style.stroke = colour(row);
      add('title', {}, row.name, curve);
      return curve;
    });
    cursor = add('line', {id: 'cursor', y1: BOX.top, y2: BOX.bottom});
    dot = add('circle', {id: 'dot', r: 6});
  }
  function drawTemperatures(decades) {
    ticks.forEach(function (tick) { tick.remove(); });
    ticks = [];
    var last = Infinity;
    for (var kelvin = 100; kelvin <= 1500; kelvin += 100) {
      var place = x(gas.potential(kelvin, decades));
      if (place < BOX.left || place > BOX.right || last - place < 44) { continue; }
      last = place;
      ticks.push(add('line', {x1: place, x2: place, y1: BOX.top - 5, y2: BOX.top,
        'class': 'axis'}));
      ticks.push(add('text', {x: place, y: BOX.top - 9, 'text-anchor': 'middle'}, kelvin));
    }
    ticks.push(add('text', {x: BOX.left, y: 16}, ticks.length
      ? 'T (K) at p(O₂) = ' + pressure(decades) + ' bar'
      : 'No temperature between 100 and 1500 K at this pressure'));
  }
  function move(dmu) {
    cursor.setAttribute('x1', x(dmu));
    cursor.setAttribute('x2', x(dmu));
    var row = data.rows[chosen];
    var seen = row && row.line && gamma(row, dmu) < top;
    dot.setAttribute('visibility', seen ? 'visible' : 'hidden');
    if (seen) {
      dot.setAttribute('cx', x(dmu));
      dot.setAttribute('cy', y(gamma(row, dmu)));
    }
  }
  function choose(index) {
    if (curves[chosen]) { curves[chosen].classList.remove('chosen'); }
    chosen = index;
    if (curves[chosen]) {
      curves[chosen].classList.add('chosen');
      curves[chosen].parentNode.appendChild(curves[chosen]);
    }
  }
  function show(indices) {
    shownRows = indices;
    curves.forEach(function (curve) { if (curve) { curve.style.display = 'none'; } });
    indices.forEach(function (index) { if (curves[index]) { curves[index].style.display = ''; } });
  }
  function place(event) {
    var box = svg.getBoundingClientRect(), wide = svg.viewBox.baseVal;
    return {x: (event.clientX - box.left) * wide.width / box.width,
      y: (event.clientY - box.top) * wide.height / box.height};
  }
  function nearest(at) {
    var dmu = low + (at.x - BOX.left) / (BOX.right - BOX.left) * (high - low), best = -1, least = 25;
    shownRows.forEach(function (index) {
      var row = data.rows[index];
      var apart = row.line ? Math.abs(y(gamma(row, dmu)) - at.y) : Infinity;
      if (apart < least) { least = apart; best = index; }
    });
    return best;
  }
  svg.addEventListener('click', function (event) {
    var found = nearest(place(event));
    if (found >= 0) { events.choose(found); }
  });
  svg.addEventListener('keydown', function (event) {
    var along = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    var up = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (!along && !up) { return; }
    event.preventDefault();
    if (along) { events.move(along); } else { events.next(up); }
  });
  // Texts keep their size on every window: the diagram is drawn anew in the room that there is.
  new ResizeObserver(function () {
    if (Math.abs(svg.viewBox.baseVal.width - svg.clientWidth) < 1) { return; }
    draw();
    events.drawn();
  }).observe(svg);
  draw();
  return {move: move, choose: choose, show: show, drawTemperatures: drawTemperatures,
    colour: colour, gamma: gamma};
}
