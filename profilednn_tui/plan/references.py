"""Reference convergence points of MLPerf Training 2.0: how many epochs a global batch needs.

From mlcommons/logging, mlperf_logging/rcp_checker/training_2.0.0/rcps_NAME.json: the mean of each record's runs. Each
batch was tuned by itself, so where a larger one needs less, it says what a smaller one could do as well. Of bert, which
counts samples, the record of 8,192 is left out: it repeats the runs of 4,096.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SOURCE = "MLCommons, reference convergence points of MLPerf Training 2.0"

REFERENCES: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "ssd": ((256, 4.0), (512, 5.0), (4_096, 15.067)),
        "resnet": (
            (1_632, 35.0), (3_264, 35.2), (4_096, 40.0), (8_192, 42.0), (13_056, 45.4), (32_768, 56.0), (35_840, 60.0),
            (49_152, 68.0), (58_880, 79.9), (65_536, 84.5),
        ),
        "bert": (
            (256, 2_552_704), (448, 2_625_459), (1_536, 2_777_588), (3_072, 2_768_215), (4_096, 2_843_443),
            (4_608, 2_794_752), (6_144, 3_321_446), (6_912, 3_596_122), (8_704, 4_278_144), (12_288, 4_470_336),
            (13_056, 4_632_576), (14_336, 4_776_755),
        ),
        "maskrcnn": (
            (8, 12.7), (48, 14.0), (64, 14.6), (96, 14.05), (128, 14.0), (256, 17.1), (272, 17.1),
        ),
    }
)  # fmt: skip
"""Global batch and epochs, by benchmark; ssd is RetinaNet with ResNeXt50."""
