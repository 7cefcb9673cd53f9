//! Files, commits and changes, read from the objects of a mirror.

use crate::bench::{Bench, all, id, paths};
use artifacts::git::{Blob, ChangedPaths, CommitRange, GitError, Limited, Limits, Person};
use git_server::Change;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn files_are_found_by_folder_by_name_and_by_glob_and_read_by_content() {
    let bench = Bench::start().await;
    let commit = bench.repository.commit(
        "main",
        &[
            Change::File(".gennaker/shop.yaml", b"version: 1\n"),
            Change::File(".gennaker/notes.txt", b"none"),
            Change::File("k8s/web.yaml", b"kind: Service\n"),
            Change::File("k8s/base/web.yaml", b"kind: Service\n"),
            Change::File("k8s-other/web.yaml", b"kind: Secret\n"),
            Change::File("src/main.rs", b"fn main() {}"),
        ],
    );
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    let patterns = paths(&[".gennaker/*.yaml", "./k8s/", "src/main.rs", "nothing/here"]);
    let tree = mirror.tree(&id(&commit), &patterns).await.unwrap();
    let found: Vec<&str> = tree.files.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(found, [".gennaker/shop.yaml", "k8s/base/web.yaml", "k8s/web.yaml", "src/main.rs"]);
    assert_eq!(tree.refused, []);
    assert_eq!(tree.files[1].blob, tree.files[2].blob, "the same content has the same name");
    let ids: Vec<_> = tree.files.iter().map(|it| it.blob.clone()).collect();
    let blobs = mirror.blobs(&ids).await.unwrap();
    let content = |index: usize| match &blobs[&ids[index]] {
        Blob::Content(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other @ (Blob::TooLarge { .. } | Blob::Missing) => panic!("{other:?}"),
    };
    assert_eq!(content(0), "version: 1\n");
    assert_eq!(content(3), "fn main() {}");
    assert_eq!(tree.files[0].bytes, 11);
    assert_eq!(mirror.tree(&id(&commit), &[]).await.unwrap().files, []);
    assert_eq!(mirror.tree(&id(&commit), &paths(&[""])).await.unwrap().files.len(), 6);
}

/// CVE-2022-31016.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_refused_and_the_others_are_read_whether_the_server_can_leave_it_out_or_not()
 {
    for can_filter in ["true", "false"] {
        let bench = Bench::start().await;
        bench.repository.git(&["config", "uploadpack.allowFilter", can_filter]);
        let large = vec![b'x'; 3 * 1024 * 1024];
        let files = [Change::File("k8s/large.yaml", &large), Change::File("k8s/web.yaml", b"a: 1")];
        let commit = bench.repository.commit("main", &files);
        let mirror = bench.open().await;
        mirror.fetch(&all()).await.unwrap();
        let tree = mirror.tree(&id(&commit), &paths(&["k8s"])).await.unwrap();
        assert_eq!((tree.files.len(), tree.refused.len()), (1, 1), "{can_filter}");
        assert_eq!(tree.files[0].path, "k8s/web.yaml");
        assert_eq!(
            format!("{}: {}", tree.refused[0].path, tree.refused[0].why),
            "k8s/large.yaml: it is larger than 2097152 bytes"
        );
        let name = id(&bench.repository.resolve("main:k8s/large.yaml").unwrap());
        let told = mirror.blobs(std::slice::from_ref(&name)).await.unwrap().remove(&name).unwrap();
        let expected =
            if can_filter == "true" { Blob::Missing } else { Blob::TooLarge { bytes: 3_145_728 } };
        assert_eq!(told, expected);
        // The next fetch builds on what was left out.
        bench.repository.commit("main", &[Change::File("k8s/web.yaml", b"a: 2")]);
        assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_be_read_at_once_is_not_read() {
    let bench = Bench::start().await;
    let files = ["a", "b", "c"].map(|it| Change::File(it, it.as_bytes()));
    let commit = bench.repository.commit("main", &files);
    let mirror = bench.open_with(Limits { total_bytes: 2, ..Limits::default() }).await;
    mirror.fetch(&all()).await.unwrap();
    let tree = mirror.tree(&id(&commit), &paths(&[""])).await.unwrap();
    let ids: Vec<_> = tree.files.iter().map(|it| it.blob.clone()).collect();
    let refused = GitError::TooLarge { limited: Limited::Total { limit: 2 } };
    assert_eq!(mirror.blobs(&ids).await, Err(refused));
    assert_eq!(mirror.blobs(&ids[..2]).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_names_of_a_renamed_file_have_changed_and_too_many_are_said_to_be_so() {
    let bench = Bench::start().await;
    let files = [Change::File("api/a.rs", b"long enough to be alike"), Change::File("b", b"1")];
    let before = bench.repository.commit("main", &files);
    let text = b"long enough to be alike";
    let beside = [Change::Delete("api/a.rs"), Change::File("api/b.rs", text)];
    let beside = id(&bench.repository.commit("main", &beside));
    let renamed = [Change::Delete("api/b.rs"), Change::File("web/ä b", text)];
    let after = bench.repository.commit("main", &renamed);
    let mirror = bench.open_with(Limits { changed_paths: 2, ..Limits::default() }).await;
    mirror.fetch(&all()).await.unwrap();
    let (before, after) = (id(&before), id(&after));
    let both = BTreeSet::from(["api/a.rs", "api/b.rs"].map(str::to_owned));
    let told = mirror.changed_paths(&before, &beside).await.unwrap();
    assert_eq!(told, ChangedPaths::These(both));
    let both = BTreeSet::from(["api/a.rs", "web/ä b"].map(str::to_owned));
    let told = mirror.changed_paths(&before, &after).await.unwrap();
    assert_eq!(told, ChangedPaths::These(both));
    assert_eq!(
        mirror.changed_paths(&after, &after).await.unwrap(),
        ChangedPaths::These(BTreeSet::new())
    );
    // A file that becomes a folder, and a folder that goes whole.
    let folder = [Change::Delete("b"), Change::File("b/c/d", b"1"), Change::Delete("web/ä b")];
    let third = bench.repository.commit("main", &folder);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    let three = BTreeSet::from(["b", "b/c/d", "web/ä b"].map(str::to_owned));
    let told = mirror.changed_paths(&after, &id(&third)).await.unwrap();
    assert_eq!(told, ChangedPaths::These(three));
    let mirror = bench.open_with(Limits { changed_paths: 2, ..Limits::default() }).await;
    let third = bench.repository.commit("main", &[Change::File("c", b"1")]);
    mirror.fetch(&all()).await.unwrap();
    let told = mirror.changed_paths(&before, &id(&third)).await.unwrap();
    assert_eq!(told, ChangedPaths::TooMany { more_than: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_says_who_made_it_and_a_range_says_who_made_what_is_new() {
    let bench = Bench::start().await;
    let people = ["Mo <mo@example.com>", "Ana Ü <ana@example.com>", " <>"];
    let commits: Vec<_> = people
        .iter()
        .enumerate()
        .map(|(count, who)| {
            let content = count.to_string();
            let change = [Change::File("a", content.as_bytes())];
            id(&bench.repository.commit_as("main", who, &change))
        })
        .collect();
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    let commit = mirror.commit(&commits[1]).await.unwrap();
    assert_eq!((commit.id.clone(), commit.parents), (commits[1].clone(), vec![commits[0].clone()]));
    let ana = Person { name: "Ana Ü".to_owned(), email: "ana@example.com".to_owned() };
    assert_eq!((commit.author, commit.committed_at), (ana.clone(), 1_700_000_000));
    assert_eq!(commit.subject, "Change 1 paths");
    assert_eq!(commit.message, "Change 1 paths\n\nof main");
    let range = mirror.between((&commits[0], &commits[2]), 5).await.unwrap();
    let CommitRange::All(found) = range else { panic!("{range:?}") };
    let authors: Vec<_> = found.into_iter().map(|it| it.author).collect();
    let nobody = Person { name: String::new(), email: String::new() };
    assert_eq!(authors, [nobody, ana]);
    let range = mirror.between((&commits[0], &commits[2]), 1).await.unwrap();
    assert!(matches!(&range, CommitRange::Newest(it) if it.len() == 1), "{range:?}");
}
