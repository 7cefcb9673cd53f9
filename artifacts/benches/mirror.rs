//! What mirroring costs beside bare git: a first fetch, asking for the refs, a push, reading an index.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench, beside bare git")]

use artifacts::git::{
    Allowance, Capacity, ChangedPaths, Credentials, Git, Limits, Mirror, ObjectId, Origin,
    PathPattern, RefName, RemoteUrl,
};
use git_server::{Change, Repository, Server};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const PIPELINES: usize = 30;
const PUSHES: usize = 20;
/// Other files of the service, and how often they were changed.
const FILES: usize = 2_000;
const COMMITS: usize = 200;

#[tokio::main]
async fn main() {
    let server = Server::start().await;
    let repository = server.repository("shop/checkout");
    fill(&repository);
    let folder = tempfile::tempdir().unwrap();
    let url = server.url("shop/checkout");
    told("git clone --mirror, bare", || clone(&url, &folder.path().join("bare")));
    told("git ls-remote --heads, bare", || git(&["ls-remote", "--heads", &url]));

    let git = Git::find(Capacity::default()).await.unwrap();
    let directory = folder.path().join("checkout");
    let url = RemoteUrl::parse(&url, Allowance::Network).unwrap();
    let origin = Origin { url, credentials: Credentials::None, certificate_authority: None };
    let open =
        async || Mirror::open(&git, &directory, (origin.clone(), Limits::default())).await.unwrap();
    let wanted = |name: &RefName| name.as_str() == "refs/heads/main";
    let started = Instant::now();
    let mirror = open().await;
    mirror.fetch(&wanted).await.unwrap();
    println!("{:40} {:?}", "open and first fetch", started.elapsed());
    let started = Instant::now();
    let mirror = {
        drop(mirror);
        open().await
    };
    println!("{:40} {:?}", "open what is there", started.elapsed());
    let head = ObjectId::parse(&repository.resolve("main").unwrap()).unwrap();
    let started = Instant::now();
    read(&mirror, &head).await;
    println!("{:40} {:?}", format!("read {PIPELINES} pipelines"), started.elapsed());
    let started = Instant::now();
    for _ in 0..PUSHES {
        mirror.remote_refs().await.unwrap();
    }
    println!("{:40} {:?} each", "ask for the refs", started.elapsed() / 20);
    let started = Instant::now();
    for _ in 0..PUSHES {
        assert_eq!(mirror.fetch(&wanted).await.unwrap().changes, []);
    }
    println!("{:40} {:?} each", "fetch, and nothing is new", started.elapsed() / 20);
    pushes(&repository, &mirror, (&wanted, head)).await;
}

async fn pushes(
    repository: &Repository,
    mirror: &Mirror,
    (wanted, mut head): (&(dyn Fn(&RefName) -> bool + Sync), ObjectId),
) {
    let [mut fetching, mut comparing, mut reading] = [Duration::ZERO; 3];
    for count in 0..PUSHES {
        let text = format!("version: 1\n# {count}\n");
        repository.commit("main", &[Change::File(".gennaker/p7.yaml", text.as_bytes())]);
        let started = Instant::now();
        let fetched = mirror.fetch(wanted).await.unwrap();
        fetching += started.elapsed();
        let main = RefName::branch("main").unwrap();
        let new = fetched.refs.get(&main).unwrap().commit.clone();
        let started = Instant::now();
        let changed = mirror.changed_paths(&head, &new).await.unwrap();
        comparing += started.elapsed();
        assert!(matches!(changed, ChangedPaths::These(paths) if paths.len() == 1));
        let started = Instant::now();
        let pattern = PathPattern::parse(".gennaker/p7.yaml").unwrap();
        let tree = mirror.tree(&new, &[pattern]).await.unwrap();
        mirror.blobs(&[tree.files[0].blob.clone()]).await.unwrap();
        reading += started.elapsed();
        head = new;
    }
    println!("{:40} {:?} each", "a push: fetch", fetching / 20);
    println!("{:40} {:?} each", "a push: which paths", comparing / 20);
    println!("{:40} {:?} each", "a push: read the one pipeline", reading / 20);
}

async fn read(mirror: &Mirror, commit: &ObjectId) {
    let pattern = PathPattern::parse(".gennaker/*.yaml").unwrap();
    let tree = mirror.tree(commit, &[pattern]).await.unwrap();
    assert_eq!(tree.files.len(), PIPELINES);
    let ids: Vec<ObjectId> = tree.files.into_iter().map(|it| it.blob).collect();
    assert_eq!(mirror.blobs(&ids).await.unwrap().len(), PIPELINES);
}

/// A service with pipelines, sources and a history.
fn fill(repository: &Repository) {
    let pipelines = (0..PIPELINES).map(|it| {
        let text =
            format!("version: 1\nname: p{it}\nstages:\n  a: {{wait: {{duration: {it}s}}}}\n");
        (format!(".gennaker/p{it}.yaml"), text.repeat(1 + it % 3))
    });
    let sources = (0..FILES).map(|it| {
        (format!("src/{}/{it}.rs", it % 40), format!("// {it}\nfn f{it}() {{}}\n").repeat(50))
    });
    let files: Vec<(String, String)> = pipelines.chain(sources).collect();
    let all: Vec<Change<'_>> =
        files.iter().map(|(path, text)| Change::File(path, text.as_bytes())).collect();
    repository.commit("main", &all);
    for count in 0..COMMITS {
        let (path, text) = &files[PIPELINES + count];
        let text = format!("{text}// again\n");
        repository.commit("main", &[Change::File(path, text.as_bytes())]);
    }
}

fn told(what: &str, work: impl FnOnce()) {
    let started = Instant::now();
    work();
    println!("{what:40} {:?}", started.elapsed());
}

fn clone(url: &str, to: &Path) {
    git(&["clone", "--mirror", "--quiet", url, to.to_str().unwrap()]);
}

fn git(arguments: &[&str]) {
    let output = Command::new("git").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
