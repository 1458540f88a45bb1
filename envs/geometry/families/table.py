"""Table of all families of figures."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from envs.geometry.families import angles, areas, circle_areas, circles, lattice, lengths, outlines, tangents
from envs.geometry.figure import Figure


class Family(NamedTuple):
    """A family of figures.

    `draw(rng, level, given)` returns a random figure. `level` is the difficulty from 0 to 1. `given` is a value taken
    from another figure, or None. `draw` raises UnfitError if the drawn numbers give no legible figure. `gives` is the
    kind of the value asked for: "angle", "length", "area" or "number".
    """

    draw: Callable[[np.random.Generator, float, int | None], Figure]
    gives: str
    takes: str = ""
    """Kind of the value that may come from another figure, or "" for none."""
    least: float = 0.0
    """Minimum difficulty at which the family is drawn by default."""


FAMILIES: dict[str, Family] = {
    "triangle_angles": Family(angles.third_angle, "angle", "angle"),
    "exterior_angle": Family(angles.exterior_angle, "angle", "angle"),
    "isosceles": Family(angles.isosceles, "angle", "angle"),
    "parallel_lines": Family(angles.parallel_lines, "angle", "angle"),
    "parallel_equation": Family(angles.parallel_equation, "number", "", 0.3),
    "zigzag": Family(angles.zigzag, "angle", "angle", 0.2),
    "polygon_angle": Family(angles.polygon_angle, "angle", ""),
    "quadrilateral_angles": Family(angles.quadrilateral, "angle", "angle"),
    "straight_line": Family(angles.straight_line, "angle", "angle"),
    "bisected_angle": Family(angles.bisected_angle, "angle", "angle", 0.3),
    "altitude_angle": Family(angles.altitudes_meet, "angle", "angle", 0.3),
    "rhombus_angle": Family(angles.rhombus, "angle", "angle", 0.2),
    "inscribed_angle": Family(circles.inscribed_angle, "angle", "angle", 0.1),
    "cyclic_quadrilateral": Family(circles.cyclic_quadrilateral, "angle", "angle", 0.2),
    "two_tangents": Family(tangents.two_tangents, "angle", "angle", 0.2),
    "semicircle_angle": Family(circles.semicircle_angle, "angle", "angle", 0.1),
    "tangent_chord": Family(tangents.tangent_chord, "angle", "angle", 0.4),
    "pythagoras": Family(lengths.pythagoras, "length", "length"),
    "similar_triangles": Family(lengths.similar_triangles, "length", "length", 0.2),
    "crossed_triangles": Family(lengths.crossed_triangles, "length", "length", 0.3),
    "midsegment": Family(lengths.midsegment, "length", "length"),
    "trapezium_middle": Family(lengths.trapezium_middle, "length", "length", 0.1),
    "median": Family(lengths.median, "length", "length", 0.2),
    "two_altitudes": Family(lengths.two_altitudes, "length", "length", 0.4),
    "angle_bisector": Family(lengths.bisector_theorem, "length", "length", 0.4),
    "rhombus_side": Family(outlines.rhombus_side, "length", "length", 0.2),
    "special_right": Family(lengths.special_right, "length", "length", 0.3),
    "square_diagonal": Family(outlines.square_diagonal, "length", "length", 0.3),
    "regular_perimeter": Family(outlines.regular_perimeter, "length", "length"),
    "steps_perimeter": Family(outlines.steps_perimeter, "length", "length"),
    "square_side": Family(outlines.square_side, "length", "area"),
    "rectangle_side": Family(outlines.rectangle_side, "length", "area"),
    "tangent_length": Family(tangents.tangent_length, "length", "length", 0.2),
    "crossing_chords": Family(circles.crossing_chords, "length", "length", 0.2),
    "tangent_secant": Family(tangents.tangent_secant, "length", "length", 0.5),
    "chord_distance": Family(circles.chord_distance, "length", "length", 0.3),
    "incircle": Family(tangents.incircle, "length", "length", 0.4),
    "tangent_triangle": Family(tangents.tangent_triangle, "length", "length", 0.3),
    "arc_length": Family(circles.arc_length, "length", "length", 0.2),
    "altitude_parts": Family(circles.altitude_on_diameter, "length", "length", 0.3),
    "triangle_area": Family(areas.triangle_area, "area", "length"),
    "parallelogram_area": Family(areas.parallelogram_area, "area", "length"),
    "trapezium_area": Family(areas.trapezium_area, "area", "length", 0.1),
    "kite_area": Family(areas.kite_area, "area", "length", 0.2),
    "steps_area": Family(areas.steps_area, "area", "length", 0.1),
    "frame_area": Family(areas.frame_area, "area", "length"),
    "cut_triangle": Family(areas.cut_triangle, "area", "length", 0.2),
    "overlap_area": Family(areas.overlap_area, "area", "length", 0.1),
    "sector_area": Family(circle_areas.sector_area, "area", "length", 0.2),
    "ring_area": Family(circle_areas.ring_area, "area", "length", 0.2),
    "circle_in_square": Family(circle_areas.circle_in_square, "area", "length", 0.1),
    "square_in_circle": Family(circle_areas.square_in_circle, "area", "length", 0.2),
    "equilateral_area": Family(areas.equilateral_area, "area", "length", 0.3),
    "lattice_area": Family(lattice.lattice_area, "area", ""),
    "lattice_distance": Family(lattice.lattice_distance, "length", ""),
    "lattice_slope": Family(lattice.lattice_slope, "number", ""),
}
"""Family name → family."""
