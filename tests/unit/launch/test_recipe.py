"""Recipes: what they may set, and what else a file can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.variants import parse_variant
from profilednn_tui.launch.recipe import Recipe, read_recipe, recipe_text

RECIPE = Recipe(("channels_last", "fused_optimizer"), {"OMP_NUM_THREADS": "2", "KMP_AFFINITY": 'granularity="fine"'})


def test_a_recipe_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(recipe_text(RECIPE, ["Proven on this machine.", "2.00x\x1b[31m as fast"]))
    assert read_recipe(path) == RECIPE
    assert path.read_text().startswith("# Proven on this machine.\n# 2.00x")
    assert "\x1b" not in path.read_text()
    path.write_text(recipe_text(Recipe()))
    assert read_recipe(path) == Recipe()


def test_a_variant_takes_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(recipe_text(RECIPE))
    variant = parse_variant(f"tuned=recipe:{tmp_path / 'a.toml'},compile,OMP_NUM_THREADS=1")
    assert variant.optimizations == ("channels_last", "fused_optimizer", "compile")
    assert variant.environment == {**RECIPE.environment, "OMP_NUM_THREADS": "1"}


SCHEMA = 'schema = "profilednn.recipe/1"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "its schema is not"),
        ('schema = "profilednn.recipe/2"', "its schema is not"),
        ("= =", "is no recipe"),
        ("\xff\x00", "is no recipe"),
        (SCHEMA + "optimizations = 3", "a list of names"),
        (SCHEMA + 'optimizations = ["a/b"]', "a list of names"),
        (SCHEMA + "environment = 3", "a table of texts"),
        (SCHEMA + "[environment]\nOMP_NUM_THREADS = 2", "a table of texts"),
        (SCHEMA + '[environment]\nLD_PRELOAD = "/tmp/evil.so"', "sets LD_PRELOAD, and a recipe may only"),
        (SCHEMA + '[environment]\nPYTHONPATH = "/tmp"', "sets PYTHONPATH"),
        (SCHEMA + '[environment]\nMALLOC_CONF = "a"\nPATH = "/tmp"', "sets PATH"),
        (SCHEMA + '[environment]\nMALLOC_CONF = "prof_prefix:/tmp/x"', "names a path"),
        (SCHEMA + '[environment]\nOMP_NUM_THREADS = "-3"', "is no number of threads"),
        (SCHEMA + '[environment]\nMKL_NUM_THREADS = "two"', "is no number of threads"),
        (SCHEMA + 'python = "/tmp/python"', "has python, which no recipe"),
        (SCHEMA + "#" + "x" * 70_000, "cannot be read"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ProfilerError, match=sentence) as raised:
        read_recipe(path)
    assert "\n" not in str(raised.value)


def test_a_recipe_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match=r"cannot be read: No such file"):
        read_recipe(tmp_path / "none.toml")
