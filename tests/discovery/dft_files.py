"""Outputs in the formats of DFT codes, as far as they are read: written here, for no code does."""

import numpy as np


def vasprun(path, atoms, energy, *, nelm=60, scf_steps=12, nsw=0, ionic_steps=1, cut=None):
    """Write a vasprun.xml of `ionic_steps` steps whose last one took `scf_steps`."""
    cell, places = rows(atoms.cell.array), rows(atoms.get_scaled_positions())
    structure = (
        f'<crystal><varray name="basis">{cell}</varray></crystal>'
        f'<varray name="positions">{places}</varray>'
    )
    species = "".join(f"<rc><c>{symbol}</c><c>1</c></rc>" for symbol in atoms.symbols)
    energies = "".join(
        f'<i name="{name}">{energy:.8f}</i>' for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy")
    )
    forces = f'<varray name="forces">{rows(np.zeros((len(atoms), 3)))}</varray>'
    step = (
        "<calculation>"
        + scf_steps * f"<scstep><energy>{energies}</energy></scstep>"
        + f"<structure>{structure}</structure>{forces}<energy>{energies}</energy></calculation>\n"
    )
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n<generator>'
        '<i name="program" type="string">vasp</i></generator>\n'
        '<kpoints><varray name="kpointlist"><v>0.0 0.0 0.0</v></varray>'
        '<varray name="weights"><v>1.0</v></varray></kpoints>\n'
        f'<parameters><i type="int" name="NELM">{nelm}</i><i type="int" name="NSW">{nsw}</i>'
        f'</parameters>\n<atominfo><array name="atoms"><set>{species}</set></array></atominfo>\n'
        f'<structure name="initialpos">{structure}</structure>\n{ionic_steps * step}</modeling>\n'
    )
    path.write_text(text if cut is None else text[:cut])


def rows(values):
    """Return an array as lines of a vasprun.xml."""
    return "".join(f"<v>{x:.10f} {y:.10f} {z:.10f}</v>" for x, y, z in values)


def outcar(path, atoms, energy, *, converged=True, nsw=0, arrived=False, ended=True):
    """Write an OUTCAR of one ionic step; atoms are sorted by species."""
    symbols = list(dict.fromkeys(atoms.symbols))
    counts = " ".join(str(list(atoms.symbols).count(symbol)) for symbol in symbols)
    lines = [" vasp.6.4.2 20Jul23 complex"]
    lines += 2 * [f" POTCAR:    PAW_PBE {symbol} 06Sep2000" for symbol in symbols]  # as VASP does
    lines += [
        f"   ions per type =              {counts}",
        f"   NSW    =     {nsw}    number of steps for IOM",
        " k-points           NKPTS =      1   k-points in BZ     NKDIM =      1   number of bands"
        "    NBANDS=    100",
        " k-points in reciprocal lattice and weights: Gamma",
        "   0.00000000  0.00000000  0.00000000       1.000",
        "--------------------------------------- Iteration      1(   9)  ------------------------",
    ]
    if converged:
        lines.append("------------------------ aborting loop because EDIFF is reached -----------")
    lines += ["      direct lattice vectors                 reciprocal lattice vectors"]
    for vector in atoms.cell.array:
        numbers = "".join(f"{value:13.9f}" for value in (*vector, 0.0, 0.0, 0.0))
        lines.append(f"   {numbers}")
    lines += [
        " POSITION                                       TOTAL-FORCE (eV/Angst)",
        " " + 83 * "-",
    ]
    for place in atoms.positions:
        lines.append("".join(f"{value:13.5f}" for value in place) + 3 * "     0.000000")
    lines += [
        " " + 83 * "-",
        "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)",
        "  ---------------------------------------------------",
        f"  free  energy   TOTEN  = {energy:18.8f} eV",
        "",
        f"  energy  without entropy= {energy:16.8f}  energy(sigma->0) = {energy:16.8f}",
        "",
    ]
    if arrived:
        lines.append(" reached required accuracy - stopping structural energy minimisation")
    if ended:
        lines.append(" General timing and accounting informations for this job:")
    path.write_text("\n".join(lines) + "\n")


def espresso(path, atoms, energy, *, converged=True, ended=True):
    """Write a pw.x output of one SCF, lengths in bohr and energies in Ry as it has them."""
    bohr, rydberg = 0.529177210903, 13.605693122994
    length = atoms.cell.lengths()[0] / bohr
    kinds = list(dict.fromkeys(atoms.symbols))
    lines = [
        "     Program PWSCF v.7.2 starts on  1Jan2024 at 12: 0: 0 ",
        f"     lattice parameter (alat)  = {length:11.4f}  a.u.",
        f"     number of atoms/cell      = {len(atoms):12d}",
        f"     number of atomic types    = {len(kinds):12d}",
        f"     celldm(1)= {length:10.6f}  celldm(2)=   0.000000  celldm(3)=   0.000000",
        "     crystal axes: (cart. coord. in units of alat)",
    ]
    for number, vector in enumerate(atoms.cell.array / bohr / length, start=1):
        lines.append(
            f"               a({number}) = ( {vector[0]:.6f} {vector[1]:.6f} {vector[2]:.6f} )"
        )
    lines.append("     atomic species   valence    mass     pseudopotential")
    lines += [f"        {kind}             6.00    16.00000     {kind}( 1.00)" for kind in kinds]
    lines += ["", "     Cartesian axes", ""]
    lines.append("     site n.     atom                  positions (alat units)")
    for number, (symbol, place) in enumerate(
        zip(atoms.symbols, atoms.positions / bohr / length, strict=True), start=1
    ):
        told = "  ".join(f"{value:.7f}" for value in place)
        lines.append(f"        {number:3d}           {symbol:2s}  tau({number:4d}) = (  {told}  )")
    lines += [
        "",
        "     number of k points=     1",
        "                       cart. coord. in units 2pi/alat",
        "        k(    1) = (   0.0000000   0.0000000   0.0000000), wk =   2.0000000",
        "",
        "     End of self-consistent calculation",
        "",
        "     Number of k-points >= 100: set verbosity='high' to print the bands.",
        "",
    ]
    if converged:
        lines += [
            f"!    total energy              = {energy / rydberg:17.8f} Ry",
            "     convergence has been achieved in   9 iterations",
        ]
    else:
        lines.append("     convergence NOT achieved after 100 iterations: stopping")
    lines += ["   JOB DONE."] if ended else []
    path.write_text("\n".join(lines) + "\n")
