//! Histories that chance has made, held against what git itself says of them.

use crate::bench::{Bench, all, id, paths};
use artifacts::git::{Ancestry, ChangedPaths};
use git_server::{Change, Repository};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What a commit does: a path, and content, a link, or nothing any more.
type Step = (String, u8);

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let path = "[ab](/[ab]){0,3}(\\.yaml| ä)?";
    prop::collection::vec(prop::collection::vec((path, 0_u8..5), 1..6), 2..7)
}

fn change(step: &Step) -> Change<'_> {
    match step {
        (path, 0) => Change::Delete(path),
        (path, 1) => Change::Symlink(path, "../b"),
        (path, 2) => Change::File(path, b"two"),
        (path, 3) => Change::File(path, b"three"),
        (path, _) => Change::File(path, b""),
    }
}

/// Every commit on `main` or on a branch that leaves it.
fn write(repository: &Repository, commits: &[Vec<Step>]) -> Vec<String> {
    let mut written = Vec::new();
    for (count, steps) in commits.iter().enumerate() {
        let changes: Vec<Change<'_>> = steps.iter().map(change).collect();
        let branch = if count % 3 == 2 { "side" } else { "main" };
        written.push(repository.commit(branch, &changes));
        if count == 0 {
            repository.git(&["branch", "side", "main"]);
        }
    }
    written
}

fn listed(text: &str) -> BTreeSet<String> {
    text.split('\0').filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

async fn check(commits: Vec<Vec<Step>>) {
    let bench = Bench::start().await;
    let written = write(&bench.repository, &commits);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    for one in &written {
        let tree = mirror.tree(&id(one), &paths(&["a/**/*.yaml", "b"])).await.unwrap();
        let found = tree.files.iter().map(|it| it.path.clone());
        let refused = tree.refused.iter().map(|it| it.path.clone());
        let names = bench.repository.git(&["ls-tree", "-r", "-z", "--name-only", one]);
        let asked = |path: &String| {
            path.starts_with("b/")
                || path == "b"
                || (path.starts_with("a/") && path.ends_with(".yaml"))
        };
        let expected: BTreeSet<String> = listed(&names).into_iter().filter(asked).collect();
        // A link in the place of a folder is told too, though only what is below it was asked for.
        let found: BTreeSet<String> = found.chain(refused).filter(|it| it != "a").collect();
        assert_eq!(found, expected, "{one}");
        for other in &written {
            let diff = ["diff", "--name-only", "-z", "--no-renames", one, other];
            let expected = ChangedPaths::These(listed(&bench.repository.git(&diff)));
            assert_eq!(mirror.changed_paths(&id(one), &id(other)).await.unwrap(), expected);
            let count = bench.repository.git(&["rev-list", "--count", one, &format!("^{other}")]);
            let expected = match (one == other, count.as_str()) {
                (true, _) => Ancestry::Same,
                (false, "0") => Ancestry::Ancestor,
                (false, _) => Ancestry::NotAncestor,
            };
            assert_eq!(mirror.ancestry(&id(one), &id(other)).await.unwrap(), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 40, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn trees_changes_and_ancestry_are_what_git_says(commits in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(check(commits));
    }
}
