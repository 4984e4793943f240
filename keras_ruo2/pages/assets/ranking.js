// The table: its order, its filters, and the numbers that depend on dmu_O.
function rankingTable(data, events) {
  'use strict';
  var body = document.querySelector('#ranking tbody'), form = document.getElementById('filters');
  var heads = Array.from(document.querySelectorAll('#ranking thead th'));
  var fields = {};
  ['facet', 'kind', 'least', 'most', 'novel'].forEach(function (name) {
    fields[name] = document.getElementById(name);
  });
  var lines = data.rows.map(function () { return null; }), chosen = -1;
  var order = {key: 'gamma', sign: 1}, now = [], indices = [];
  Array.from(body.rows).forEach(function (line) {
    var index = Number(line.dataset.index);
    lines[index] = {line: line, rank: line.querySelector('.rank'),
      gamma: line.querySelector('.gamma'), above: line.querySelector('.above')};
    line.addEventListener('click', function () { events.choose(index); });
  });
  function best(facet, dmu) {
    var others = data.known[facet] || data.known[''] || [];
    return Math.min.apply(null, others.map(function (line) { return line[0] + line[1] * dmu; }));
  }
  function measure(row, dmu) {
    if (!row.line) { return {gamma: null, above: null}; }
    var gamma = row.line[0] + row.line[1] * dmu, lowest = best(row.facet, dmu);
    return {gamma: gamma, above: isFinite(lowest) ? gamma - lowest : null};
  }
  function passes(row) {
    var least = fields.least.value, most = fields.most.value;
    return (!fields.facet.value || row.facet === fields.facet.value)
      && (!fields.kind.value || row.method === fields.kind.value)
      && (!fields.novel.checked || row.novel)
      && (least === '' || row.num_o >= Number(least))
      && (most === '' || row.num_o <= Number(most));
  }
  function value(index) {
    return order.key in now[index] ? now[index][order.key] : data.rows[index][order.key];
  }
  function compare(one, other) {
    var a = value(one), b = value(other);
    if (a === null || b === null) { return (a === null) - (b === null) || one - other; }
    var less = typeof a === 'string' ? a.localeCompare(b, 'en', {numeric: true}) : a - b;
    return order.sign * less || one - other;
  }
  function shown(number) {
    return number === null ? '–' : (Math.abs(number) < 0.05 ? 0 : number).toFixed(1)
      .replace('-', '−');
  }
  function put(cell, text) {
    if (cell.textContent !== text) { cell.textContent = text; }
  }
  function update(dmu) {
    now = data.rows.map(function (row) { return measure(row, dmu); });
    var before = indices.join();
    indices = data.rows.map(function (row, index) { return index; }).filter(function (index) {
      return passes(data.rows[index]);
    }).sort(compare);
    indices.forEach(function (index, place) {
      put(lines[index].rank, String(place + 1));
      put(lines[index].gamma, shown(now[index].gamma));
      put(lines[index].above, shown(now[index].above));
    });
    if (indices.join() !== before) {
      var focus = document.activeElement;
      body.replaceChildren.apply(body, indices.map(function (index) { return lines[index].line; }));
      if (focus && focus !== document.activeElement && body.contains(focus)) { focus.focus(); }
    }
    return indices;
  }
  function tell() {
    document.getElementById('count').textContent =
      indices.length + ' of ' + data.rows.length + ' structures';
  }
  function choose(index) {
    if (lines[chosen]) {
      lines[chosen].line.classList.remove('chosen');
      lines[chosen].line.removeAttribute('aria-selected');
    }
    chosen = index;
    if (lines[chosen]) {
      lines[chosen].line.classList.add('chosen');
      lines[chosen].line.setAttribute('aria-selected', 'true');
    }
  }
  heads.forEach(function (head) {
    head.querySelector('button').addEventListener('click', function () {
      order = {key: head.dataset.key, sign: order.key === head.dataset.key ? -order.sign : 1};
      heads.forEach(function (each) { each.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', order.sign > 0 ? 'ascending' : 'descending');
      events.again();
    });
  });
  form.addEventListener('submit', function (event) { event.preventDefault(); });
  form.addEventListener('input', function () { events.again(); tell(); });
  form.addEventListener('reset', function () {
    window.setTimeout(function () { events.again(); tell(); });
  });
  return {update: update, choose: choose, tell: tell,
    at: function (index) { return now[index]; }};
}
