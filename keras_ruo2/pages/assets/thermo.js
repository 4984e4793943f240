// Oxygen gas between the entries of a table of the package's own dmu_O(T) at 1 bar.
function oxygenGas(table) {
  'use strict';
  var kelvins = table.temperatures, values = table.potentials;
  var coldest = kelvins[0], hottest = kelvins[kelvins.length - 1];
  var step = kelvins[1] - kelvins[0];
  function potential(kelvin, decades) {
    var index = Math.min(kelvins.length - 2, Math.floor((kelvin - coldest) / step));
    var share = (kelvin - kelvins[index]) / step;
    var standard = values[index] + share * (values[index + 1] - values[index]);
    return standard + kelvin * table.boltzmann * decades * Math.LN10 / 2;
  }
  // The temperature at which gas of 10^decades bar has this dmu_O, or null outside of the table.
  function temperature(dmu, decades) {
    var low = coldest, high = hottest;
    if (potential(low, decades) < dmu || potential(high, decades) > dmu) { return null; }
    for (var round = 0; round < 50; round += 1) {
      var middle = (low + high) / 2;
      if (potential(middle, decades) > dmu) { low = middle; } else { high = middle; }
    }
    return low;
  }
  return {potential: potential, temperature: temperature, coldest: coldest, hottest: hottest};
}
