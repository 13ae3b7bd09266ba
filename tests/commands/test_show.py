"""What the pool has, in the terminal."""


def test_a_spec_of_counts_alone_has_nothing_to_show_and_says_where_to_go(osca, tmp_path):
    (tmp_path / "counts.csv").write_text("problem,configuration,n,correct\np,a,4,1\n")
    (tmp_path / "spec.yaml").write_text(
        "version: 1\ntasks:\n  - {name: t, outcomes: counts.csv}\nbudget: {samples: 4}\n"
    )

    assert "counts instead of problems" in osca("show", "spec.yaml", code=2).err
