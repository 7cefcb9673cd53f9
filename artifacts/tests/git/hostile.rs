//! Repositories and servers that mean harm: refused with a reason, and nothing of ours suffers.

use crate::bench::{Bench, all, branch, id, origin, paths};
use artifacts::git::{ChangedPaths, GitError, Limited, Limits, Refusal, Refused};
use git_server::{Change, Manners, Repository};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// reliability.md §1 rows 2 and 39.
/// Against CVE-2026-32604, CVE-2021-41254.
#[tokio::test(flavor = "multi_thread")]
async fn refs_that_look_like_options_or_commands_run_nothing() {
    let bench = Bench::start().await;
    let commit = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let option = "refs/heads/--upload-pack=touch${IFS}touched".to_owned();
    let command = "refs/heads/;$(touch${IFS}touched)`touch${IFS}touched`".to_owned();
    for name in [&option, &command] {
        bench.repository.git(&["update-ref", name, &commit]);
    }
    let mirror = bench.open().await;
    let fetched = mirror.fetch(&all()).await.unwrap();
    let told: Vec<&str> = fetched.changes.iter().map(|it| it.name().as_str()).collect();
    assert_eq!(told, [command.as_str(), "refs/heads/main"]);
    assert_eq!(mirror.remote_refs().await.unwrap().unusable, [option]);
    let folders = [Path::new("."), &bench.directory(), bench.repository.folder()];
    assert!(!folders.iter().any(|it| it.join("touched").exists()));
}

/// reliability.md §1 rows 23, 33 and 40.
/// Against CVE-2022-24904.
#[tokio::test(flavor = "multi_thread")]
async fn links_and_submodules_are_refused_and_not_followed() {
    let bench = Bench::start().await;
    let other = "5".repeat(40);
    let commit = bench.repository.commit(
        "main",
        &[
            Change::Symlink("k8s/passwd.yaml", "/etc/passwd"),
            Change::Symlink("k8s/up.yaml", "../../../../etc/passwd"),
            Change::Symlink("folder", "/etc"),
            Change::Submodule("k8s/module", &other),
            Change::File("k8s/web.yaml", b"a: 1"),
        ],
    );
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    let asked = paths(&["k8s", "folder/passwd", "folder/*.yaml"]);
    let tree = mirror.tree(&id(&commit), &asked).await.unwrap();
    assert_eq!(tree.files.len(), 1);
    let refused: Vec<_> = tree.refused.iter().map(|it| (it.path.as_str(), it.why)).collect();
    assert_eq!(
        refused,
        [
            ("folder", Refusal::Symlink),
            ("k8s/module", Refusal::Submodule),
            ("k8s/passwd.yaml", Refusal::Symlink),
            ("k8s/up.yaml", Refusal::Symlink),
        ]
    );
}

/// CVE-2022-25856, CVE-2026-33211.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_whose_paths_lead_elsewhere_is_not_even_fetched() {
    let bench = Bench::start().await;
    let good = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    for name in ["..", ".git", "a/b", "."] {
        let bad = with_entry(&bench.repository, &good, name);
        bench.repository.force("main", &bad);
        let refused = mirror.fetch(&all()).await.unwrap_err();
        assert!(matches!(refused, GitError::Refused { .. }), "{name}: {refused:?}");
        let refs = mirror.refs().await.unwrap();
        assert_eq!(refs.get(&branch("main")).unwrap().commit, id(&good), "{name}");
    }
    bench.repository.force("main", &good);
    bench.repository.commit("main", &[Change::File("a", b"2")]);
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
}

/// A commit after `parent` whose tree has one file of this name, which git itself would not write.
fn with_entry(repository: &Repository, parent: &str, name: &str) -> String {
    let blob = repository.git_with(&["hash-object", "-w", "--stdin"], b"x");
    let raw: Vec<u8> =
        (0..40).step_by(2).map(|at| u8::from_str_radix(&blob[at..at + 2], 16).unwrap()).collect();
    let entry = [format!("100644 {name}\0").as_bytes(), &raw].concat();
    let write = ["hash-object", "-t", "tree", "-w", "--stdin", "--literally"];
    let tree = repository.git_with(&write, &entry);
    repository.git(&["commit-tree", "-m", "bad", "-p", parent, &tree])
}

/// Such servers hand out objects one by one, and nobody looks into them on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_plain_files_is_understood_and_its_paths_that_lead_elsewhere_are_refused() {
    let bench = Bench::start().await;
    let good = bench.repository.commit("main", &[Change::File("a", b"1")]);
    bench.repository.git(&["update-server-info"]);
    bench.server.behave(Manners::Dumb);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    assert_eq!(mirror.tree(&id(&good), &paths(&[""])).await.unwrap().files.len(), 1);
    let bad = with_entry(&bench.repository, &good, "..");
    bench.repository.force("main", &bad);
    bench.repository.git(&["update-server-info"]);
    match mirror.fetch(&all()).await {
        Err(refused) => assert!(matches!(refused, GitError::Refused { .. }), "{refused:?}"),
        Ok(_) => {
            let tree = mirror.tree(&id(&bad), &paths(&[""])).await.unwrap();
            let refused = Refused { path: "..".to_owned(), why: Refusal::PathNotPlain };
            assert_eq!((tree.files, tree.refused), (vec![], vec![refused]));
        }
    }
}

/// reliability.md §1 row 24 and F41.
/// Against CVE-2022-31016.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_files_are_too_many_and_those_beside_them_are_read() {
    let bench = Bench::start().await;
    let names: Vec<String> =
        (0..100_000).map(|it| format!("many/{}/{it}.yaml", it / 1000)).collect();
    let mut files: Vec<Change<'_>> = names.iter().map(|it| Change::File(it, b"a: 1")).collect();
    files.push(Change::File(".gennaker/shop.yaml", b"version: 1"));
    let commit = bench.repository.commit("main", &files);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    let limit = Limits::default().files;
    let refused = GitError::TooLarge { limited: Limited::Files { limit } };
    assert_eq!(mirror.tree(&id(&commit), &paths(&["many"])).await, Err(refused.clone()));
    assert_eq!(mirror.tree(&id(&commit), &paths(&["**/*.yaml"])).await, Err(refused));
    let tree = mirror.tree(&id(&commit), &paths(&[".gennaker/*.yaml"])).await.unwrap();
    assert_eq!(tree.files.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_unfolds_into_millions_of_files_costs_little() {
    let bench = Bench::start().await;
    let plain = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let blob = bench.repository.git_with(&["hash-object", "-w", "--stdin"], b"a: 1");
    let mut below = format!("100644 blob {blob}");
    for _ in 0..10 {
        let entries: String = (0..10).map(|it| format!("{below}\tf{it}\n")).collect();
        let tree = bench.repository.git_with(&["mktree"], entries.as_bytes());
        below = format!("040000 tree {tree}");
    }
    let tree = below.split(' ').nth(2).unwrap();
    let bomb = bench.repository.git(&["commit-tree", "-m", "bomb", "-p", &plain, tree]);
    bench.repository.force("main", &bomb);
    let mirror = bench.open().await;
    let started = Instant::now();
    mirror.fetch(&all()).await.unwrap();
    let told = mirror.tree(&id(&bomb), &paths(&[""])).await;
    assert!(matches!(told, Err(GitError::TooLarge { .. })), "{told:?}");
    let told = mirror.changed_paths(&id(&plain), &id(&bomb)).await.unwrap();
    assert_eq!(told, ChangedPaths::TooMany { more_than: 1_000 });
    println!("a tree of 10^10 files: refused after {:?}", started.elapsed());
}

/// reliability.md §1 row 41.
#[tokio::test(flavor = "multi_thread")]
async fn a_pack_without_an_end_is_cut_at_the_bound_and_nothing_of_it_stays() {
    let bench = Bench::start().await;
    let commit = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open_with(Limits { disk_bytes: 2_000_000, ..Limits::default() }).await;
    bench.server.behave(Manners::Endless);
    let refused = GitError::TooLarge { limited: Limited::Disk { limit: 2_000_000 } };
    assert_eq!(mirror.fetch(&all()).await, Err(refused));
    let packs = std::fs::read_dir(bench.directory().join("objects/pack")).unwrap();
    assert_eq!(packs.count(), 0);
    bench.server.behave(Manners::Honest);
    let fetched = mirror.fetch(&all()).await.unwrap();
    assert_eq!(fetched.refs.get(&branch("main")).unwrap().commit, id(&commit));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_refs_than_may_be_are_too_many() {
    let bench = Bench::start().await;
    let commit = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open_with(Limits { refs: 3, ..Limits::default() }).await;
    mirror.fetch(&all()).await.unwrap();
    for count in 0..3 {
        bench.repository.git(&["branch", &format!("b{count}"), &commit]);
    }
    let refused = GitError::TooLarge { limited: Limited::Refs { limit: 3 } };
    assert_eq!(mirror.fetch(&all()).await, Err(refused));
    assert_eq!(mirror.refs().await.unwrap().len(), 1);
}

/// reliability.md F39.
#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_not_answering_is_told_apart() {
    let bench = Bench::start().await;
    bench.repository.commit("main", &[Change::File("a", b"1")]);
    let limits = Limits { refs_deadline: Duration::from_secs(2), ..Limits::default() };
    let mirror = bench.open_with(limits.clone()).await;
    for (status, expected) in [
        (401, "the credentials are not accepted"),
        (403, "the credentials are not accepted"),
        (404, "there is no such repository"),
        (500, "the repository cannot be reached"),
        (503, "the repository cannot be reached"),
    ] {
        bench.server.behave(Manners::Fails(status));
        let told = mirror.fetch(&all()).await.unwrap_err().to_string();
        assert!(told.starts_with(expected), "{status}: {told}");
    }
    bench.server.behave(Manners::Hangs);
    let deadline = GitError::Deadline { seconds: 2, doing: "ls-remote" };
    assert_eq!(mirror.fetch(&all()).await, Err(deadline));
    bench.server.behave(Manners::Honest);
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
    let nobody = origin("http://127.0.0.1:1/shop/checkout.git");
    let told = bench.open_as(nobody, limits).await.unwrap().remote_refs().await;
    assert!(matches!(told, Err(GitError::Unreachable { .. })), "{told:?}");
}

/// What no honest server sends: a commit of 4 GiB, something that is no pack, and one that breaks off.
#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_would_fill_the_memory_or_is_none_is_told_and_leaves_nothing() {
    let bench = Bench::start().await;
    let commit = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open().await;
    let head = b"PACK\x00\x00\x00\x02\x00\x00\x00\x01".to_vec();
    let huge = [head.as_slice(), b"\x90\x80\x80\x80\x80\x01\x78\x9c", &[0; 4096]].concat();
    for (pack, expected) in [
        (huge, "the repository is too large: more than 4294967296 bytes of memory for one call"),
        (b"something else that is long enough".to_vec(), "what the server sent is refused"),
        (head, "the repository cannot be reached"),
    ] {
        bench.server.behave(Manners::Sends(pack));
        let told = mirror.fetch(&all()).await.unwrap_err().to_string();
        assert!(told.starts_with(expected), "{told}");
        let packs = std::fs::read_dir(bench.directory().join("objects/pack")).unwrap();
        assert_eq!(packs.count(), 0);
    }
    bench.server.behave(Manners::Honest);
    let fetched = mirror.fetch(&all()).await.unwrap();
    assert_eq!(fetched.refs.get(&branch("main")).unwrap().commit, id(&commit));
}
