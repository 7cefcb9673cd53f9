//! Mirrors over months: packed, damaged, made anew, and used by many at once.

use crate::{
    bench::{Bench, all, branch, id, paths},
    interrupted::{identities, processes, until},
};
use artifacts::git::{Ancestry, Blob, Capacity, Git, GitError, Limits, Mirror, ObjectId, Upkeep};
use git_server::{Change, Manners, Repository};
use std::{path::PathBuf, sync::Arc, time::Duration};

fn packs(bench: &Bench) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(bench.directory().join("objects/pack")).unwrap().flatten();
    entries.map(|it| it.path()).filter(|it| it.extension().is_some_and(|it| it == "pack")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_fetches_are_packed_into_one_and_nothing_that_a_run_may_read_is_lost() {
    for can_filter in ["true", "false"] {
        let bench = Bench::start().await;
        bench.repository.git(&["config", "uploadpack.allowFilter", can_filter]);
        let large = vec![b'x'; 3 * 1024 * 1024];
        let first = bench.repository.commit("main", &[Change::File("large", &large)]);
        let mirror = bench.open().await;
        mirror.fetch(&all()).await.unwrap();
        let lost = bench.repository.commit("main", &[Change::File("a", b"lost")]);
        mirror.fetch(&all()).await.unwrap();
        bench.repository.force("main", &first);
        for count in 0..41 {
            let content = count.to_string();
            bench.repository.commit("main", &[Change::File("a", content.as_bytes())]);
            mirror.fetch(&all()).await.unwrap();
        }
        let before = mirror.refs().await.unwrap();
        assert!(packs(&bench).len() > 40);
        assert_eq!(mirror.maintain().await.unwrap(), Upkeep::Done);
        assert!(packs(&bench).len() <= 2, "{:?}", packs(&bench));
        assert_eq!(mirror.maintain().await.unwrap(), Upkeep::NotYet);
        assert_eq!(mirror.refs().await.unwrap(), before);
        let newest = before.get(&branch("main")).unwrap().commit.clone();
        assert_eq!(mirror.ancestry(&id(&first), &newest).await.unwrap(), Ancestry::Ancestor);
        for commit in [&id(&lost), &newest] {
            let tree = mirror.tree(commit, &paths(&["a"])).await.unwrap();
            let blobs = mirror.blobs(&[tree.files[0].blob.clone()]).await.unwrap();
            assert!(matches!(blobs[&tree.files[0].blob], Blob::Content(_)));
        }
        let again = bench.repository.commit("main", &[Change::File("b", b"1")]);
        let fetched = mirror.fetch(&all()).await.unwrap();
        assert_eq!(fetched.refs.get(&branch("main")).unwrap().commit, id(&again));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_damaged_says_so_and_is_as_good_as_new_when_it_was_discarded() {
    let bench = Bench::start().await;
    let commit = bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    for pack in packs(&bench) {
        let mut bytes = std::fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[16..middle + 20].fill(0xff);
        std::fs::remove_file(&pack).unwrap();
        std::fs::write(&pack, bytes).unwrap();
    }
    let told = mirror.tree(&id(&commit), &paths(&["a"])).await.unwrap_err();
    assert!(matches!(told, GitError::Damaged { .. }), "{told:?}");
    drop(mirror);
    artifacts::git::discard(&bench.directory()).unwrap();
    let mirror = bench.open().await;
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
    assert_eq!(mirror.tree(&id(&commit), &paths(&["a"])).await.unwrap().files.len(), 1);
}

/// CVE-2026-33022.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_with_long_names_is_mirrored_as_well() {
    let bench = Bench::start().await;
    let folder = bench.repository.folder().to_owned();
    std::fs::remove_dir_all(&folder).unwrap();
    let repository = Repository::create_as(&folder, "sha256");
    let before = repository.commit("main", &[Change::File("k8s/a.yaml", b"1")]);
    let after = repository.commit("main", &[Change::File("k8s/new/b.yaml", b"2")]);
    assert_eq!(before.len(), 64);
    let mirror = bench.open().await;
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
    let tree = mirror.tree(&id(&after), &paths(&["k8s"])).await.unwrap();
    assert_eq!(tree.files.len(), 2);
    let told = mirror.changed_paths(&id(&before), &id(&after)).await.unwrap();
    assert_eq!(format!("{told:?}"), "These({\"k8s/new/b.yaml\"})");
    drop(mirror);
    assert_eq!(bench.open().await.refs().await.unwrap().len(), 1, "and is there after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_is_not_disturbed_by_who_fetches_and_packs() {
    let bench = Bench::start().await;
    let first = id(&bench.repository.commit("main", &[Change::File("a", b"1")]));
    let mirror = Arc::new(bench.open().await);
    mirror.fetch(&all()).await.unwrap();
    let read = |mirror: Arc<Mirror>, first: ObjectId| {
        tokio::spawn(async move {
            for _ in 0..30 {
                let tree = mirror.tree(&first, &paths(&["a"])).await.unwrap();
                mirror.blobs(&[tree.files[0].blob.clone()]).await.unwrap();
            }
        })
    };
    let readers = [(); 3].map(|()| read(mirror.clone(), first.clone()));
    for count in 0..45 {
        let content = count.to_string();
        bench.repository.commit("main", &[Change::File("b", content.as_bytes())]);
        let both = (all(), all());
        let (one, other) = tokio::join!(mirror.fetch(&both.0), mirror.fetch(&both.1));
        assert_eq!(one.unwrap().changes.len() + other.unwrap().changes.len(), 1);
        mirror.maintain().await.unwrap();
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_hang_hold_up_nobody_who_reads_and_their_git_is_bounded() {
    let bench = Bench::start().await;
    let commit = id(&bench.repository.commit("main", &[Change::File("a", b"1")]));
    let git = Git::find(Capacity { remote: 1, local: 1 }).await.unwrap();
    let limits = Limits { refs_deadline: Duration::from_secs(3), ..Limits::default() };
    let mirror = Mirror::open(&git, &bench.directory(), (bench.origin(), limits)).await.unwrap();
    mirror.fetch(&all()).await.unwrap();
    bench.server.behave(Manners::Hangs);
    let asked = (all(), all());
    let hanging = async { tokio::join!(mirror.fetch(&asked.0), mirror.remote_refs()) };
    let reading = async {
        while processes(&bench.directory()).len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        mirror.tree(&commit, &paths(&["a"])).await.unwrap()
    };
    tokio::pin!(hanging);
    tokio::select! {
        told = &mut hanging => panic!("{told:?}"),
        tree = reading => assert_eq!(tree.files.len(), 1),
    }
    let bounds = limits_of(&bench);
    assert!(bounds.len() > 1, "{bounds:?}");
    assert!(bounds.iter().all(|it| it.contains("4294967296")), "{bounds:?}");
    let (one, other) = hanging.await;
    assert!(matches!(one, Err(GitError::Deadline { .. })), "{one:?}");
    assert!(matches!(other, Err(GitError::Deadline { .. })), "{other:?}");
    until("all of it has ended", || processes(&bench.directory()).is_empty()).await;
}

/// What the system lets the processes of the mirror have in memory.
fn limits_of(bench: &Bench) -> Vec<String> {
    let read = |id: u32| std::fs::read_to_string(format!("/proc/{id}/limits")).ok();
    let line =
        |text: String| Some(text.lines().find(|it| it.starts_with("Max address"))?.to_owned());
    identities(&bench.directory()).into_iter().filter_map(read).filter_map(line).collect()
}
