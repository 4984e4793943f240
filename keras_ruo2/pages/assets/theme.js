(function () {
  'use strict';
  // As the system asks for, until somebody chooses; the choice is kept where the browser allows it.
  var root = document.documentElement, button = document.getElementById('theme');
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  function kept() {
    try { return window.localStorage.getItem('keras_ruo2-theme'); } catch (error) { return null; }
  }
  function apply() {
    var theme = kept() || root.dataset.chosen || (dark.matches ? 'dark' : 'light');
    root.dataset.theme = theme;
    button.textContent = theme === 'dark' ? 'Light colours' : 'Dark colours';
    document.dispatchEvent(new Event('themechange'));
  }
  button.addEventListener('click', function () {
    root.dataset.chosen = root.dataset.theme === 'dark' ? 'light' : 'dark';
    try { window.localStorage.setItem('keras_ruo2-theme', root.dataset.chosen); } catch (error) {
      // A page opened from a file may have no storage: the choice then lasts as long as the page.
    }
    apply();
  });
  dark.addEventListener('change', apply);
  button.hidden = false;
  apply();
}());
