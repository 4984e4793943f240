// Atoms on a canvas, turned with the mouse, a finger or the arrow keys. Our own: nothing is fetched.
var viewers = (function () {
  'use strict';
  var TURNS = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1]};
  function rotation(view) {
    var a = Math.cos(view.turn), b = Math.sin(view.turn);
    var c = Math.cos(view.tilt), d = Math.sin(view.tilt);
    return [[a, -b, 0], [b * d, a * d, c], [b * c, a * c, -d]];
  }
  function apply(matrix, point) {
    return matrix.map(function (row) {
      return row[0] * point[0] + row[1] * point[1] + row[2] * point[2];
    });
  }
  function draw(canvas, data, view) {
    var context = canvas.getContext('2d');
    var ratio = window.devicePixelRatio || 1;
    var width = canvas.clientWidth || 320, height = canvas.clientHeight || 320;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, height);
    if (!data) { canvas.dataset.drawn = '0'; return; }
    var matrix = rotation(view), scale = view.zoom * Math.min(width, height) / data.size;
    function place(point) {
      var moved = point.map(function (value, axis) { return value - data.centre[axis]; });
      var seen = apply(matrix, moved);
      return [width / 2 + scale * seen[0], height / 2 - scale * seen[1], seen[2]];
    }
    var items = data.positions.map(function (point, index) {
      return {at: place(point), atom: index};
    });
    var spots = items.map(function (item) { return item.at; });
    data.bonds.forEach(function (pair) {
      var one = spots[pair[0]], other = spots[pair[1]];
      var middle = [0, 1, 2].map(function (axis) { return (one[axis] + other[axis]) / 2; });
      [[one, pair[0]], [other, pair[1]]].forEach(function (half) {
        items.push({at: [0, 0, (middle[2] + half[0][2]) / 2], from: half[0], to: middle,
          colour: data.colours[half[1]]});
      });
    });
    data.edges.forEach(function (edge) {
      var ends = edge.map(place);
      items.push({at: [0, 0, -1e6], from: ends[0], to: ends[1], colour: '#9aa3ad', thin: true});
    });
    items.sort(function (one, other) { return one.at[2] - other.at[2]; });
    items.forEach(function (item) { paint(context, item, data, scale); });
    canvas.dataset.drawn = String(spots.length);
  }
  function paint(context, item, data, scale) {
    context.beginPath();
    if (item.from) {
      context.moveTo(item.from[0], item.from[1]);
      context.lineTo(item.to[0], item.to[1]);
      context.strokeStyle = item.colour;
      context.lineWidth = item.thin ? 1 : Math.max(1, 0.16 * scale);
      context.stroke();
      return;
    }
    var x = item.at[0], y = item.at[1], radius = data.radii[item.atom] * scale;
    var shade = context.createRadialGradient(
      x - radius / 3, y - radius / 3, radius / 10, x, y, radius);
    shade.addColorStop(0, '#ffffff');
    shade.addColorStop(0.4, data.colours[item.atom]);
    shade.addColorStop(1, '#222222');
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = shade;
    context.fill();
  }
  // Viewers of one group turn together. Returns an object whose `show` takes what to draw.
  function mount(canvas, group) {
    var data = null, held = null;
    group = group || {};
    group.view = group.view || {turn: 0.5, tilt: 0.12, zoom: 1};
    group.all = group.all || [];
    function again() { draw(canvas, data, group.view); }
    function together() { group.all.forEach(function (each) { each(); }); }
    function turn(by) {
      group.view.turn += by[0];
      group.view.tilt += by[1];
      together();
    }
    group.all.push(again);
    canvas.addEventListener('pointerdown', function (event) {
      held = [event.clientX, event.clientY];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', function (event) {
      if (!held) { return; }
      turn([(event.clientX - held[0]) / 100, (event.clientY - held[1]) / 100]);
      held = [event.clientX, event.clientY];
    });
    ['pointerup', 'pointercancel'].forEach(function (name) {
      canvas.addEventListener(name, function () { held = null; });
    });
    canvas.addEventListener('wheel', function (event) {
      if (document.activeElement !== canvas) { return; }  // the page scrolls past it
      event.preventDefault();
      group.view.zoom *= Math.exp(-event.deltaY / 500);
      together();
    }, {passive: false});
    canvas.addEventListener('keydown', function (event) {
      var zoom = {'+': 1.1, '-': 1 / 1.1}[event.key];
      if (!TURNS[event.key] && !zoom) { return; }
      event.preventDefault();
      group.view.zoom *= zoom || 1;
      turn(TURNS[event.key] || [0, 0]);
    });
    new ResizeObserver(again).observe(canvas);
    return {show: function (drawing) { data = drawing; again(); }};
  }
  document.querySelectorAll('canvas[data-atoms]').forEach(function (canvas) {
    mount(canvas).show(JSON.parse(canvas.dataset.atoms));
  });
  return {mount: mount};
}());
