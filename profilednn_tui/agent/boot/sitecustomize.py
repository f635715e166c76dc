# Every Python started within a launched run finds this file, whatever its version, so it uses Python 2 syntax.
# It removes itself from the path, prepares to start the agent when torch is imported, and then loads the
# sitecustomize that it shadows.
import sys


def _boot():
    import os

    def run(path):
        namespace = {"__name__": "_profilednn_boot", "__file__": path}
        with open(path, "rb") as source:
            exec(compile(source.read(), path, "exec"), namespace)
        return namespace

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    if sys.version_info >= (3, 9) and os.environ.get("PROFILEDNN_SESSION"):
        try:
            run(os.path.join(here, "torch_import.py"))
            notes = os.path.join(os.environ["PROFILEDNN_SESSION"], "side-effects.jsonl")
            if os.path.exists(notes):
                sys.addaudithook(run(os.path.join(here, "side_effects.py"))["SideEffects"](notes))
        except Exception:  # noqa: BLE001, S110 - fail open: the target must start as it would without us
            pass
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401 - the user's or the distribution's own
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


_boot()
del _boot
