# Found by every Python that starts below a launched run, whatever its version: so the syntax is that of Python 2.
# It takes itself out of the way, arms the agent for the moment when torch is imported, and then loads the
# sitecustomize that it shadows.
import sys


def _boot():
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    if sys.version_info >= (3, 9) and os.environ.get("PROFILEDNN_SESSION"):
        path = os.path.join(here, "torch_import.py")
        namespace = {"__name__": "_profilednn_boot", "__file__": path}
        try:
            with open(path, "rb") as source:
                exec(compile(source.read(), path, "exec"), namespace)
        except Exception:  # noqa: BLE001, S110 - fail open: the target must start as it would without us
            pass
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401 - the one of the user or the distribution
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


_boot()
del _boot
