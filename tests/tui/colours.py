"""Contrast of colours, and their distance as readers with and without a colour vision deficiency see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from textual.color import Color

Vector = npt.NDArray[np.float64]

NORMAL = np.eye(3)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
"""Acts on linear sRGB, severity 1.0: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, A Physiologically-based Model
for Simulation of Color Vision Deficiency, IEEE TVCG 15(6), 2009, tables at
www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""Linear sRGB to CIE XYZ under D65: IEC 61966-2-1."""
_WHITE = _TO_XYZ.sum(axis=1)


def linear(colour: Color) -> Vector:
    """Linear sRGB, 0 to 1: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    values = np.array(colour.rgb) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: Color, other: Color) -> float:
    """1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    low, high = sorted(float(_LUMINANCE @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: Color, vision: Vector = NORMAL) -> Vector:
    """CIE L*a*b* (CIE 15:2004, 8.2.1) of what a reader with this vision sees."""
    ratios = _TO_XYZ @ np.clip(vision @ linear(colour), 0, 1) / _WHITE
    f = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: Color, other: Color, vision: Vector = NORMAL) -> float:
    """The colour difference CIE 1976, Delta E*ab (CIE 15:2004, 8.2.1); about 2.3 is just noticeable."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


def nearest(colours: dict[str, Color], vision: Vector) -> tuple[float, Sequence[str]]:
    """The smallest distance between two of the colours, and their names."""
    names = list(colours)
    pairs = [(a, b) for index, a in enumerate(names) for b in names[index + 1 :]]
    return min((distance(colours[a], colours[b], vision), (a, b)) for a, b in pairs)
