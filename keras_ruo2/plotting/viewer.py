"""Atoms on a canvas of a page, turned with the mouse. Our own: nothing is fetched or bundled."""

import html
import json
from math import ceil

import numpy as np
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from keras_ruo2.structure.bonds import bond_lengths, is_anion, is_metal
from keras_ruo2.structure.faces import heights, normal_of

METAL, ANION = "#0072B2", "#D55E00"
OTHERS = "#777777"
RADIUS = 0.45  # of the covalent radius
MARGIN = 1.0  # Å below the slab in the cell that is drawn, at most
WIDTH = 9.0  # Å that is shown of a slab along both vectors, at least

SCRIPT = """
(function () {
  'use strict';
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
      items.push({at: [0, 0, -1e6], from: ends[0], to: ends[1], colour: '#bbbbbb', thin: true});
    });
    items.sort(function (one, other) { return one.at[2] - other.at[2]; });
    context.clearRect(0, 0, width, height);
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
  function start(canvas) {
    var data = JSON.parse(canvas.dataset.atoms);
    var view = {turn: 0.5, tilt: 0.12, zoom: 1};
    var held = null;
    function again() { draw(canvas, data, view); }
    canvas.addEventListener('pointerdown', function (event) {
      held = [event.clientX, event.clientY];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', function (event) {
      if (!held) { return; }
      view.turn += (event.clientX - held[0]) / 100;
      view.tilt += (event.clientY - held[1]) / 100;
      held = [event.clientX, event.clientY];
      again();
    });
    canvas.addEventListener('pointerup', function () { held = null; });
    canvas.addEventListener('wheel', function (event) {
      event.preventDefault();
      view.zoom *= Math.exp(-event.deltaY / 500);
      again();
    }, {passive: false});
    canvas.addEventListener('keydown', function (event) {
      var turns = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1],
        ArrowDown: [0, 0.1]}[event.key];
      if (!turns) { return; }
      event.preventDefault();
      view.turn += turns[0];
      view.tilt += turns[1];
      again();
    });
    again();
  }
  document.querySelectorAll('canvas[data-atoms]').forEach(start);
}());
"""


def viewer(atoms, label):
    """Return a canvas that shows a structure; the page needs `SCRIPT` after it.

    Args:
        atoms: `ase.Atoms` with a cell.
        label: What screen readers say.
    """
    data = html.escape(json.dumps(drawing(atoms)), quote=True)
    return (
        f'<canvas tabindex="0" role="img" aria-label="{html.escape(label, quote=True)}" '
        f'data-atoms="{data}"></canvas>'
    )


def drawing(atoms):
    """Return what the script draws: places, radii, colours, bonds and the edges of the cell.

    The slab stands in one piece. Narrow cells are repeated in the plane; bonds across the outer
    borders are left out.
    """
    cell, atoms = atoms.cell.array, atoms.copy()
    along, vacuum = heights(atoms)
    normal = normal_of(atoms)
    lift = min(MARGIN, vacuum / 2) - atoms.positions[np.argmin(along)] @ normal
    atoms.positions += lift * cell[2] / (cell[2] @ normal)
    atoms.wrap()
    atoms = atoms.repeat((*(ceil(WIDTH / length) for length in atoms.cell.lengths()[:2]), 1))
    colours = np.where(is_metal(atoms), METAL, np.where(is_anion(atoms), ANION, OTHERS))
    first, second, shift = neighbor_list("ijS", atoms, bond_lengths(atoms))
    inside = (first < second) & (shift == 0).all(axis=1)
    corners = [[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    places = [(corner @ cell).round(3).tolist() for corner in corners]
    edges = [
        [places[one], places[other]]
        for one in range(8)
        for other in range(one)
        if sum(a != b for a, b in zip(corners[one], corners[other], strict=True)) == 1
    ]
    spread = atoms.positions.max(axis=0) - atoms.positions.min(axis=0)
    return {
        "positions": atoms.positions.round(3).tolist(),
        "radii": [round(RADIUS * float(covalent_radii[number]), 3) for number in atoms.numbers],
        "colours": colours.tolist(),
        "bonds": [[int(i), int(j)] for i, j in zip(first[inside], second[inside], strict=True)],
        "edges": edges,
        "centre": ((atoms.positions.max(axis=0) + atoms.positions.min(axis=0)) / 2).tolist(),
        "size": float((spread**2).sum() ** 0.5 + 2),
    }
