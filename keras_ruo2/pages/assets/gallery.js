// Slabs are drawn when they first come into view.
(function () {
  'use strict';
  var watcher = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (!entry.isIntersecting) { return; }
      watcher.unobserve(entry.target);
      var found = document.getElementById('drawing-' + entry.target.dataset.drawing);
      viewers.mount(entry.target).show(JSON.parse(found.textContent));
    });
  });
  document.querySelectorAll('canvas[data-drawing]').forEach(function (canvas) {
    watcher.observe(canvas);
  });
}());
