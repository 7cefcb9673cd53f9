//! What changes on the server is told as what it is.

use crate::bench::{Bench, all, branch, id};
use artifacts::git::{Ancestry, GitError, RefChange, RefName, Resolved};
use git_server::Change;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_told_once_and_as_what_it_is() {
    let bench = Bench::start().await;
    let first = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open().await;
    let fetched = mirror.fetch(&all()).await.unwrap();
    let created = |name: RefName, at: &str| RefChange::Created { name, at: id(at) };
    assert_eq!(fetched.changes, [created(branch("main"), &first)]);
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes, []);

    let second = bench.repository.commit("main", &[Change::File("a", b"2")]);
    bench.repository.git(&["tag", "-a", "v1", "-m", "one", &second]);
    bench.repository.git(&["branch", "release/7", &first]);
    let tag = RefName::tag("v1").unwrap();
    let fetched = mirror.fetch(&all()).await.unwrap();
    let target = fetched.refs.get(&tag).unwrap();
    assert_eq!(target.commit, id(&second), "an annotated tag leads to its commit");
    assert_eq!(
        fetched.changes,
        [
            RefChange::Advanced { name: branch("main"), from: id(&first), to: id(&second) },
            created(branch("release/7"), &first),
            created(tag, target.object.as_str()),
        ]
    );
    assert_eq!(mirror.refs().await.unwrap(), mirror.remote_refs().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_force_push_and_a_deleted_branch_are_told_as_such_and_the_old_commit_leads_nowhere() {
    let bench = Bench::start().await;
    let base = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let lost = bench.repository.commit("main", &[Change::File("a", b"2")]);
    bench.repository.git(&["branch", "feature", &base]);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    assert_eq!(mirror.containing(&id(&lost)).await.unwrap(), [branch("main")]);

    bench.repository.force("main", &base);
    let other = bench.repository.commit("main", &[Change::File("b", b"3")]);
    bench.repository.delete("feature");
    let fetched = mirror.fetch(&all()).await.unwrap();
    assert_eq!(
        fetched.changes,
        [
            RefChange::Deleted { name: branch("feature"), was: id(&base) },
            RefChange::Forced { name: branch("main"), from: id(&lost), to: id(&other) },
        ]
    );
    assert_eq!(mirror.containing(&id(&lost)).await.unwrap(), []);
    assert_eq!(mirror.containing(&id(&base)).await.unwrap(), [branch("main")]);
    assert_eq!(mirror.commit(&id(&lost)).await.unwrap().id, id(&lost), "runs go on with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_makes_way_for_one_below_it_and_comes_back() {
    let bench = Bench::start().await;
    let commit = bench.repository.commit("a", &[Change::File("a", b"1")]);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    bench.repository.delete("a");
    bench.repository.git(&["branch", "a/b", &commit]);
    let names = |refs: artifacts::git::Refs| refs.names().cloned().collect::<Vec<_>>();
    assert_eq!(names(mirror.fetch(&all()).await.unwrap().refs), [branch("a/b")]);
    bench.repository.delete("a/b");
    bench.repository.git(&["branch", "a", &commit]);
    assert_eq!(names(mirror.fetch(&all()).await.unwrap().refs), [branch("a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_asked_for_is_fetched_and_what_is_no_longer_asked_for_goes() {
    let bench = Bench::start().await;
    bench.repository.commit("main", &[Change::File("a", b"1")]);
    bench.repository.commit("release/7", &[Change::File("a", b"7")]);
    bench.repository.commit("feature/x", &[Change::File("a", b"x")]);
    let mirror = bench.open().await;
    let names = |refs: artifacts::git::Refs| refs.names().cloned().collect::<Vec<_>>();
    let fetched = mirror.fetch(&|it| !it.short().starts_with("feature")).await.unwrap();
    assert_eq!(names(fetched.refs), [branch("main"), branch("release/7")]);
    let fetched = mirror.fetch(&|it| it.short() == "main").await.unwrap();
    assert_eq!(names(fetched.refs), [branch("main")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_commit_is_told_from_a_newer_one_and_an_unknown_one_from_both() {
    let bench = Bench::start().await;
    let older = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let newer = bench.repository.commit("main", &[Change::File("a", b"2")]);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    let (older, newer) = (id(&older), id(&newer));
    assert_eq!(mirror.ancestry(&older, &newer).await.unwrap(), Ancestry::Ancestor);
    assert_eq!(mirror.ancestry(&newer, &older).await.unwrap(), Ancestry::NotAncestor);
    assert_eq!(mirror.ancestry(&newer, &newer).await.unwrap(), Ancestry::Same);
    assert_eq!(mirror.merge_base(&newer, &older).await.unwrap(), Some(older.clone()));
    let unknown = id(&"7".repeat(40));
    let refused = GitError::NoSuchObject { id: unknown.to_string() };
    assert_eq!(mirror.ancestry(&older, &unknown).await, Err(refused.clone()));
    assert_eq!(mirror.ancestry(&unknown, &unknown).await, Err(refused.clone()));
    assert_eq!(mirror.containing(&unknown).await, Err(refused.clone()));
    assert_eq!(mirror.commit(&unknown).await, Err(refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_known_by_its_first_digits_unless_several_begin_so() {
    let bench = Bench::start().await;
    let commits: Vec<String> = (0..40)
        .map(|it| bench.repository.commit("main", &[Change::File("a", it.to_string().as_bytes())]))
        .collect();
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    let last = &commits[39];
    for digits in [&last[..7], &last[..12], last.to_uppercase().as_str()] {
        assert_eq!(mirror.resolve(digits).await.unwrap(), Resolved::Commit(id(last)), "{digits}");
    }
    let tree = bench.repository.resolve("main^{tree}").unwrap();
    let nothing = ["main", "HEAD", "", "-h", "777777777777", &last[..6], "a\nb", tree.as_str()];
    for text in nothing {
        assert_eq!(mirror.resolve(text).await.unwrap(), Resolved::Nothing, "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_asked_for_the_refs_need_not_ask_again() {
    let bench = Bench::start().await;
    bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open().await;
    let there = mirror.remote_refs().await.unwrap();
    let newer = bench.repository.commit("main", &[Change::File("a", b"2")]);
    bench.server.seen();
    let fetched = mirror.catch_up(&there).await.unwrap();
    assert_eq!(fetched.refs.get(&branch("main")).unwrap().commit, id(&newer));
    let gone = there.clone();
    bench.repository.delete("main");
    let told = mirror.catch_up(&gone).await;
    assert!(matches!(told, Err(GitError::NoSuchRef { .. })), "{told:?}");
    assert_eq!(mirror.refs().await.unwrap(), fetched.refs, "what was there stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_branch_is_the_one_that_the_server_names() {
    let bench = Bench::start().await;
    let mirror = bench.open().await;
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes, [], "it is empty");
    assert_eq!(mirror.default_branch().await.unwrap(), None);
    bench.repository.commit("trunk", &[Change::File("a", b"1")]);
    bench.repository.git(&["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    assert_eq!(mirror.default_branch().await.unwrap(), Some(branch("trunk")));
}
