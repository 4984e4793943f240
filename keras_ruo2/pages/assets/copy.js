(function () {
  'use strict';
  var button = document.getElementById('copy'), command = document.getElementById('command');
  if (!button) { return; }
  button.addEventListener('click', function () {
    function done() { button.textContent = 'Copied'; }
    function select() {  // where the browser gives pages no clipboard
      window.getSelection().selectAllChildren(command);
      button.textContent = 'Selected';
    }
    if (!navigator.clipboard) { select(); return; }
    navigator.clipboard.writeText(command.textContent).then(done, select);
  });
}());
