//! Another reading of the same payloads: what `github.com/drone/go-scm` makes of its own test data, which
//! lies beside each payload.

use crate::published::{SECRET, fetched, files, signed};
use engine_core::{
    happening::{Change, Git, Happening, Origin},
    receiver::Heard,
};
use serde_json::{Value, json};
use std::fs;

/// One payload and what is said of it.
struct Case {
    name: String,
    provider: &'static str,
    event: String,
    body: Value,
    golden: Value,
}

const DRIVERS: [(&str, &str); 5] = [
    ("bitbucket", "bitbucket"),
    ("gitea", "gitea"),
    ("github", "github"),
    ("gitlab", "gitlab"),
    ("stash", "bitbucketDataCenter"),
];

fn cases() -> Vec<Case> {
    let root = fetched("go-scm").join("scm/driver");
    let mut cases = Vec::new();
    for (driver, provider) in DRIVERS {
        let folder = root.join(driver).join("testdata/webhooks");
        for (stem, body) in files(&folder) {
            let Ok(golden) = fs::read(folder.join(format!("{stem}.json.golden"))) else { continue };
            // Some are empty files.
            let Ok(golden) = serde_json::from_slice(&golden) else { continue };
            let Ok(body) = serde_json::from_slice(&body) else { continue };
            let (name, event) = (format!("{driver}/{stem}"), event(provider, &stem));
            cases.push(Case { name, provider, event, body, golden });
        }
    }
    cases
}

/// The header that comes with a file of this name.
fn event(provider: &str, stem: &str) -> String {
    let word = match (provider, stem) {
        ("bitbucket", _) if stem.starts_with("push") => "repo:push",
        ("bitbucket", "pr_fulfilled") => "pullrequest:fulfilled",
        ("bitbucket", _) => "pullrequest:other",
        ("bitbucketDataCenter", _) if stem.starts_with("push") => "repo:refs_changed",
        ("bitbucketDataCenter", "pr_merged") => "pr:merged",
        ("bitbucketDataCenter", _) => "pr:other",
        (_, _) if stem.contains("comment") => "issue_comment",
        (_, _) if stem.starts_with("push") => "push",
        (_, _) if stem.starts_with("pr_") || stem.starts_with("pull_request") => "pull_request",
        (_, "branch_create" | "tag_create") => "create",
        (_, "branch_delete" | "tag_delete") => "delete",
        (_, other) => other,
    };
    word.to_owned()
}

/// The addresses that earlier versions of Data Center do not tell, and without which nothing is known.
fn with_addresses(case: &mut Case) {
    let links =
        json!({"clone": [{"href": "https://stash.example.com/scm/x/y.git", "name": "http"}]});
    for at in ["/repository", "/pullRequest/toRef/repository"] {
        if let Some(repository) = case.body.pointer_mut(at) {
            repository["links"] = links.clone();
        }
    }
    case.golden["Repo"]["Clone"] = json!("https://stash.example.com/scm/x/y.git");
}

fn hear(case: &Case) -> Heard {
    let request = signed(case.provider, &case.event, serde_json::to_vec(&case.body).unwrap());
    let receivers = triggers::receivers();
    let receiver = receivers.get(case.provider).unwrap();
    receiver.verify(&request.raw(), &[SECRET.as_bytes()]).expect(&case.name);
    receiver.happenings(&request.raw()).expect(&case.name)
}

/// What it says that has happened, in words.
fn expected(case: &Case) -> Option<String> {
    let golden = &case.golden;
    let text = |at: &str| golden.pointer(at).and_then(Value::as_str);
    let is_zero = |id: &str| id.bytes().all(|it| it == b'0');
    if let Some(number) = golden.pointer("/PullRequest/Number").and_then(Value::as_u64) {
        let repository = format!("{}/{}", text("/Repo/Namespace")?, text("/Repo/Name")?);
        // It takes the name that GitLab shows for a namespace for its path, and sees a fork; both projects
        // of that payload have one id.
        let is_own = text("/PullRequest/Fork") == Some(&repository) || case.provider == "gitlab";
        let origin = if is_own { "own" } else { "fork" };
        let target = text("/PullRequest/Target")?;
        let says_so = golden.pointer("/PullRequest/Merged") == Some(&json!(true));
        let is_merged = text("/Action") == Some("merged") || says_so;
        return is_merged.then(|| format!("merge {number} {target} {origin}"));
    }
    let after = text("/After").filter(|id| !id.is_empty()).or(text("/Commit/Sha"));
    if let (Some(whole), Some(after)) = (text("/Ref"), after) {
        return Some(match (whole.strip_prefix("refs/heads/"), is_zero(after)) {
            (Some(branch), false) => format!("push {branch} {after}"),
            (Some(branch), true) => format!("gone branch {branch}"),
            (None, false) => format!("tag {}", whole.strip_prefix("refs/tags/")?),
            (None, true) => format!("gone tag {}", whole.strip_prefix("refs/tags/")?),
        });
    }
    let (name, kind) =
        (text("/Ref/Name")?, if case.name.contains("tag") { "tag" } else { "branch" });
    match text("/Action")? {
        "deleted" => Some(format!("gone {kind} {name}")),
        // A push says the same.
        "created" if case.event == "create" => None,
        "created" if kind == "tag" => Some(format!("tag {name}")),
        "created" => Some(format!("push {name} {}", text("/Ref/Sha")?)),
        other => panic!("{}: {other}", case.name),
    }
}

fn found(git: &Git) -> String {
    match &git.change {
        Change::Push { branch, after, .. } => format!("push {branch} {after}"),
        Change::BranchDeleted { branch } => format!("gone branch {branch}"),
        Change::Tag { tag, .. } => format!("tag {tag}"),
        Change::TagDeleted { tag } => format!("gone tag {tag}"),
        Change::Merge { branch, number, origin: Origin::Repository, .. } => {
            format!("merge {number} {branch} own")
        }
        Change::Merge { branch, number, origin: Origin::Fork, .. } => {
            format!("merge {number} {branch} fork")
        }
    }
}

#[test]
fn what_go_scm_makes_of_its_payloads_we_make_of_them_too() {
    let (mut agreed, mut nothing) = (0, 0);
    for mut case in cases() {
        if case.provider == "bitbucketDataCenter" {
            with_addresses(&mut case);
        }
        let heard = hear(&case);
        let git: Vec<&Git> = heard
            .happenings
            .iter()
            .map(|happening| match happening {
                Happening::Git(git) => git,
                other => panic!("{}: {other:?}", case.name),
            })
            .collect();
        let words: Vec<String> = git.iter().map(|git| found(git)).collect();
        let expected = expected(&case);
        println!("{:50} {words:?}", case.name);
        assert_eq!(words, expected.iter().cloned().collect::<Vec<_>>(), "{}", case.name);
        for git in git {
            people_and_place(&case, git);
        }
        if expected.is_some() { agreed += 1 } else { nothing += 1 }
    }
    println!("{agreed} happenings and {nothing} that are nothing");
    assert!(agreed >= 30 && nothing >= 30, "{agreed} {nothing}");
}

fn people_and_place(case: &Case, git: &Git) {
    let text =
        |at: &str| case.golden.pointer(at).and_then(Value::as_str).filter(|it| !it.is_empty());
    let address = text("/Repo/Clone").unwrap();
    let place = address.split_once("://").unwrap().1.trim_end_matches(".git");
    assert_eq!(git.repository, place, "{}", case.name);
    assert_eq!(git.actor.as_deref(), text("/Sender/Login"), "{}", case.name);
    if let (Some(author), Some(name)) = (&git.author, text("/Commit/Author/Name")) {
        let email = text("/Commit/Author/Email").unwrap_or_default();
        assert_eq!(*author, format!("{name} <{email}>"), "{}", case.name);
    }
    if let (Some(message), Some(told)) = (&git.message, text("/Commit/Message")) {
        assert_eq!(message, told.trim_end(), "{}", case.name);
    }
    if let (Change::Push { before, .. }, Some(told)) = (&git.change, text("/Before")) {
        let told = told.bytes().any(|it| it != b'0').then_some(told);
        assert_eq!(before.as_deref(), told, "{}", case.name);
    }
    if let (Change::Tag { commit: Some(commit), .. }, Some(sha)) =
        (&git.change, text("/Commit/Sha"))
    {
        assert_eq!(commit, sha, "{}", case.name);
    }
}
