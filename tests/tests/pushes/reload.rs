//! What the platform's file comes to say of sources counts at once, and what begins then begins there.

use super::shop::{MAIN, Shop, Watch, outcome, pipeline, until};
use git_server::Change;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tokio::runtime::Runtime;

const FILE: &str = ".gennaker/web.yaml";
const API: &str = ".gennaker/api.yaml";
pub(super) const READ: &str = "was read again and is in force";

/// A source, asked often.
pub(super) fn source(shop: &Shop, name: &str, branches: &str) -> String {
    let url = shop.server.url(&format!("shop/{name}"));
    format!("git: \"{url}\", poll: 5s, branches: [{branches}], applications: [{name}]")
}

fn open() -> Shop {
    let any = pipeline("web", "{branches: [\"*\"]}");
    Shop::open_with(&Watch::by_polling(), &[(FILE, &any)])
}

/// Nothing that has arrived speaks of the commit, although the engine has looked since.
#[track_caller]
fn says_nothing_of(shop: &Shop, commit: &str) {
    let said = serde_json::to_string(&shop.deliveries()).unwrap();
    assert!(!said.contains(commit), "{commit}: {said}");
}

#[test]
fn a_source_that_is_added_is_read_at_once_and_one_that_is_removed_is_gone_and_begins_anew() {
    let mut shop = open();
    until("it is known", || (shop.catalogue() == [FILE]).then_some(()));
    let api = shop.server.repository("shop/api");
    let text = pipeline("api", "{branches: [main]}");
    let first = api.commit("main", &[Change::File(API, text.as_bytes())]);

    let (web, api_too) = (source(&shop, "web", "main, feature"), source(&shop, "api", "main"));
    shop.put((&[web.clone(), api_too.clone()], ""), READ);
    until("the new one is read", || (shop.catalogue() == [API, FILE]).then_some(()));
    says_nothing_of(&shop, &first[..10]);
    let second = api.commit("main", &[Change::File("a", b"2")]);
    let found = shop.found(&second);
    assert_eq!(outcome(&found)["end"], "started", "{found:#}");

    shop.put((std::slice::from_ref(&web), ""), READ);
    assert_eq!(shop.catalogue(), [FILE], "what it had is gone with it");
    let unseen = api.commit("main", &[Change::File("a", b"3")]);
    shop.put((&[web, api_too], ""), READ);
    until("it is read again", || (shop.catalogue() == [API, FILE]).then_some(()));
    let third = api.commit("main", &[Change::File("a", b"4")]);
    let found = shop.found(&third);
    assert_eq!(outcome(&found)["end"], "started", "{found:#}");
    says_nothing_of(&shop, &unseen[..10]);
    assert_eq!(shop.deliveries().len(), 2, "{:#?}", shop.deliveries());
}

#[test]
fn a_branch_that_a_source_comes_to_have_is_no_news_and_its_next_push_is() {
    let mut shop = open();
    shop.repository.git(&["branch", "later", "main"]);
    let old = shop.commit("later", &[("a", "1")]);
    let both = source(&shop, "web", "main, later");
    shop.put((&[both], ""), READ);
    until("it is seen", || {
        let mut git = std::process::Command::new("git");
        let git = git.arg("--git-dir").arg(shop.mirror());
        let said = git.args(["rev-parse", "--verify", "--quiet", "refs/heads/later"]).output();
        (String::from_utf8(said.unwrap().stdout).unwrap().trim() == old).then_some(())
    });
    let new = shop.commit("later", &[("a", "2")]);
    let found = shop.found(&new);
    assert_eq!(outcome(&found)["end"], "started", "{found:#}");
    says_nothing_of(&shop, &old[..10]);
    assert_eq!(shop.deliveries().len(), 1, "{:#?}", shop.deliveries());
}

#[test]
fn whose_an_application_is_and_who_may_post_counts_at_once_and_a_file_at_fault_changes_nothing() {
    let mut shop = open();
    until("it is known", || (shop.catalogue() == [FILE]).then_some(()));
    let standing = |shop: &Shop| {
        shop.served.get("/api/v1/catalogue").json()["items"][0]["standing"].to_string()
    };
    let web = source(&shop, "web", "main");
    let others = web.replace("applications: [web]", "applications: [shop]");
    shop.put((&[others], ""), READ);
    until("it is refused", || standing(&shop).contains("refused").then_some(()));
    shop.put((std::slice::from_ref(&web), ""), READ);
    until("it is whole again", || standing(&shop).contains("good").then_some(()));

    let secret = format!("{web}, credentials: NO_SUCH_SECRET");
    shop.put((&[secret], ""), "is refused, and what it said before stays in force");
    let ready = shop.served.get("/readyz?verbose").body;
    assert!(
        ready.contains("NO_SUCH_SECRET") && ready.contains("is refused, what it said before"),
        "{ready}"
    );
    shop.put((&["directory: nowhere, git: both".to_owned()], ""), "stays in force");
    assert!(standing(&shop).contains("good"));
    let before = shop.repository.resolve(MAIN).unwrap();
    let after = shop.commit("main", &[("a", "2")]);
    let told = shop.pushed(MAIN, Some(&before), Some(&after));
    assert_eq!(outcome(&told)["end"], "started", "{told:#}");
}

#[test]
fn where_nobody_looks_any_more_is_forgotten() {
    let shop = open();
    until("it is known", || (shop.catalogue() == [FILE]).then_some(()));
    let cron = "  - cron: {schedule: \"0 5 1 1 *\", timezone: UTC}\nstages:";
    let timed = pipeline("web", "{branches: [main]}").replace("stages:", cron);
    let time = "clock/time:web/web/1";
    shop.commit("main", &[(FILE, &timed)]);
    until("the schedule is watched", || marks(&shop).contains(&time.to_owned()).then_some(()));
    shop.commit("main", &[(FILE, &pipeline("web", "{branches: [main]}"))]);
    until("it is forgotten", || (!marks(&shop).contains(&time.to_owned())).then_some(()));
}

/// Under which the engine has kept where to go on.
fn marks(shop: &Shop) -> Vec<String> {
    let path = shop.served.state().join("engine.sqlite");
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let read = async {
        let mut connection = options.connect().await.unwrap();
        let keys = sqlx::query_scalar("SELECT key FROM mark ORDER BY key");
        keys.fetch_all(&mut connection).await.unwrap()
    };
    Runtime::new().unwrap().block_on(read)
}
