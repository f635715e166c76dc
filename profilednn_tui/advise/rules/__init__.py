"""The rules, one file each."""

from __future__ import annotations

from profilednn_tui.advise.rule import Rule
from profilednn_tui.advise.rules.allocator_faults import AllocatorFaults
from profilednn_tui.advise.rules.anomaly_mode import AnomalyMode
from profilednn_tui.advise.rules.bf16_available import Bf16Available
from profilednn_tui.advise.rules.bf16_no_hardware import Bf16NoHardware
from profilednn_tui.advise.rules.data_wait import DataWait
from profilednn_tui.advise.rules.denormals import Denormals
from profilednn_tui.advise.rules.dense_embedding_gradient import DenseEmbeddingGradient
from profilednn_tui.advise.rules.dtype_refused import DtypeRefused
from profilednn_tui.advise.rules.float64 import Float64
from profilednn_tui.advise.rules.frozen_backward import FrozenBackward
from profilednn_tui.advise.rules.frozen_batch_norm import FrozenBatchNorm
from profilednn_tui.advise.rules.fused_loss import FusedLoss
from profilednn_tui.advise.rules.layout_copies import LayoutCopies
from profilednn_tui.advise.rules.loader_workers import LoaderWorkers
from profilednn_tui.advise.rules.memory_growth_graph import MemoryGrowthGraph
from profilednn_tui.advise.rules.missing_ranks import MissingRanks
from profilednn_tui.advise.rules.mkldnn_disabled import MkldnnDisabled
from profilednn_tui.advise.rules.neighbour import Neighbour
from profilednn_tui.advise.rules.optimizer_unfused import OptimizerUnfused
from profilednn_tui.advise.rules.own_profiler import OwnProfiler
from profilednn_tui.advise.rules.periodic_stall import PeriodicStall
from profilednn_tui.advise.rules.primitive_cache_misses import PrimitiveCacheMisses
from profilednn_tui.advise.rules.python_overhead import PythonOverhead
from profilednn_tui.advise.rules.quota_throttled import QuotaThrottled
from profilednn_tui.advise.rules.recomputed_activations import RecomputedActivations
from profilednn_tui.advise.rules.reference_kernels import ReferenceKernels
from profilednn_tui.advise.rules.reorders import Reorders
from profilednn_tui.advise.rules.shared_cores import SharedCores
from profilednn_tui.advise.rules.silent_rank import SilentRank
from profilednn_tui.advise.rules.slow_communication import SlowCommunication
from profilednn_tui.advise.rules.slow_recurrent import SlowRecurrent
from profilednn_tui.advise.rules.small_operators import SmallOperators
from profilednn_tui.advise.rules.straggler_rank import StragglerRank
from profilednn_tui.advise.rules.thread_oversubscription import ThreadOversubscription
from profilednn_tui.advise.rules.thread_undersubscription import ThreadUndersubscription
from profilednn_tui.advise.rules.two_openmp_runtimes import TwoOpenMPRuntimes
from profilednn_tui.advise.rules.unequal_batches import UnequalBatches
from profilednn_tui.advise.rules.weight_gradient_rate import WeightGradientRate

RULES: tuple[Rule, ...] = (
    DataWait(), LoaderWorkers(), ThreadOversubscription(), ThreadUndersubscription(), QuotaThrottled(), Neighbour(),
    AllocatorFaults(), Reorders(), LayoutCopies(), ReferenceKernels(), SmallOperators(), PythonOverhead(),
    OptimizerUnfused(), Float64(), OwnProfiler(), DenseEmbeddingGradient(), MemoryGrowthGraph(), PeriodicStall(),
    FusedLoss(), FrozenBatchNorm(), SlowRecurrent(), WeightGradientRate(), AnomalyMode(), Denormals(),
    FrozenBackward(), MkldnnDisabled(), RecomputedActivations(), TwoOpenMPRuntimes(), PrimitiveCacheMisses(),
    Bf16Available(), Bf16NoHardware(), StragglerRank(), SlowCommunication(),
    UnequalBatches(), SilentRank(), MissingRanks(), SharedCores(), DtypeRefused(),
)  # fmt: skip
