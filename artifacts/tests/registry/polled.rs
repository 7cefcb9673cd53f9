//! Looks at repositories, one after the other.

use crate::repository;
use artifacts::{
    Repository,
    registry::{Change, Pace, Polled, Registries, TagCursor, TagFilter},
};
use registry_server::{
    Image, Registry,
    web::{Reply, Server},
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

const EVERYTHING: [TagFilter; 1] = [TagFilter::Any];

/// Looks until there is no more to see for now.
async fn looked(
    registries: &Registries,
    repository: &Repository,
    cursor: TagCursor,
) -> (Vec<String>, TagCursor) {
    let (mut tags, mut cursor) = (Vec::new(), cursor);
    loop {
        let Polled { found, pace } =
            registries.poll((repository, None), &EVERYTHING, Some(&cursor)).await.unwrap();
        tags.extend(found.findings.into_iter().map(|finding| finding.tag));
        // A cursor is stored between two looks.
        cursor = serde_json::from_str(&serde_json::to_string(&found.cursor).unwrap()).unwrap();
        match pace {
            Pace::Usual => return (tags, cursor),
            Pace::Again { after } => tokio::time::sleep(after).await,
        }
    }
}

#[tokio::test]
async fn a_thousand_new_tags_in_a_real_registry_lose_nothing() {
    let registry = Registry::start();
    let registries = Registries::default();
    let repository = repository(&registry.host, "shop/web");
    let digest = registry.push(&Image::new("one"), "shop/web:latest");
    let first = registries.poll((&repository, None), &EVERYTHING, None).await.unwrap();
    assert_eq!((first.found.findings.len(), first.pace), (0, Pace::Usual));

    registry.tag("shop/web", &digest, (0..1_234).map(|number| format!("1.0.{number}")));
    let (tags, cursor) = looked(&registries, &repository, first.found.cursor).await;
    assert_eq!(tags.len(), 1_234, "each once");
    assert_eq!(tags.iter().collect::<BTreeSet<_>>().len(), 1_234);
    assert_eq!(looked(&registries, &repository, cursor.clone()).await.0, Vec::<String>::new());

    let moved = registry.push(&Image::new("two"), "shop/web:latest");
    let found =
        registries.poll((&repository, None), &EVERYTHING, Some(&cursor)).await.unwrap().found;
    let [finding] = found.findings.as_slice() else { panic!("{:?}", found.findings) };
    assert_eq!((finding.tag.as_str(), &finding.digest), ("latest", &moved));
    assert_eq!(finding.change, Change::Moved { from: digest });
}

/// The registry of Debian knows no pages; this one has them as the specification wants them.
#[tokio::test]
async fn ten_thousand_tags_come_in_pages() {
    let server = Server::start(|request| {
        if request.line().starts_with("HEAD ") {
            let digest = format!("docker-content-digest: sha256:{}", "a".repeat(64));
            return Reply::headers(200, &[&digest]);
        }
        let query = request.line().split_once('?').map_or("", |(_, query)| query);
        let last = query.split('&').find_map(|it| it.strip_prefix("last=1.0."));
        let first = last.map_or(0, |last| last.parse::<usize>().unwrap() + 1);
        let page: Vec<String> = (first..first + 1_000).map(|it| format!("\"1.0.{it}\"")).collect();
        let link =
            format!("link: </v2/shop/web/tags/list?n=1000&last=1.0.{}>; rel=\"next\"", first + 999);
        let headers = if first < 9_000 { vec![link] } else { Vec::new() };
        let body = format!("{{\"tags\": [{}]}}", page.join(",")).into_bytes();
        Reply::With { status: 200, headers, body }
    });
    let repository = repository(&server.address, "shop/web");
    let polled = Registries::default().poll((&repository, None), &EVERYTHING, None).await.unwrap();
    assert_eq!((polled.found.findings.len(), polled.pace), (0, Pace::Usual));
    let lists = server.heard().iter().filter(|it| it.line().contains("/tags/list")).count();
    assert_eq!(lists, 10);
    let size = serde_json::to_string(&polled.found.cursor).unwrap().len();
    assert!(size < 220_000, "{size} bytes are remembered");
}

#[tokio::test]
async fn the_newest_image_is_told_by_when_it_was_built() {
    let registry = Registry::start();
    let registries = Registries::default();
    let repository = repository(&registry.host, "shop/web");
    let filters = [TagFilter::newest(Some("b-.*")).unwrap()];
    let push = |tag: &str, built: &str| {
        registry.push(&Image::new(tag).built(built), &format!("shop/web:{tag}"));
    };
    let names =
        |polled: &Polled| polled.found.findings.iter().map(|it| it.tag.clone()).collect::<Vec<_>>();
    push("b-5", "2024-05-05T00:00:00Z");
    let first = registries.poll((&repository, None), &filters, None).await.unwrap();
    push("b-1", "2024-01-01T00:00:00Z");
    push("other", "2025-01-01T00:00:00Z");
    let second =
        registries.poll((&repository, None), &filters, Some(&first.found.cursor)).await.unwrap();
    assert_eq!((names(&first), names(&second)), (vec![], vec![]));
    push("b-7", "2024-07-07T00:00:00Z");
    push("b-6", "2024-06-06T00:00:00Z");
    let third =
        registries.poll((&repository, None), &filters, Some(&second.found.cursor)).await.unwrap();
    assert_eq!(names(&third), ["b-7"]);
}

#[tokio::test]
async fn a_look_that_is_cut_short_is_taken_up_where_it_stopped() {
    let asked = AtomicUsize::new(0);
    let digest = format!("docker-content-digest: sha256:{}", "a".repeat(64));
    let server = Server::start(move |request| {
        if request.line().contains("/tags/list") {
            let number = if asked.load(Ordering::SeqCst) == 0 { 0..0 } else { 0..20 };
            let tags: Vec<String> = number.map(|it| format!("\"1.0.{it}\"")).collect();
            asked.fetch_add(1, Ordering::SeqCst);
            return Reply::json(200, &format!("{{\"tags\": [{}]}}", tags.join(",")));
        }
        match asked.fetch_add(1, Ordering::SeqCst) {
            9 => Reply::headers(429, &["retry-after: 1"]),
            _ => Reply::headers(200, &[&digest]),
        }
    });
    let registries = Registries::default();
    let repository = repository(&server.address, "shop/web");
    let first = registries.poll((&repository, None), &EVERYTHING, None).await.unwrap();
    let cut =
        registries.poll((&repository, None), &EVERYTHING, Some(&first.found.cursor)).await.unwrap();
    assert!(matches!(cut.pace, Pace::Again { .. }), "{:?}", cut.pace);
    assert!((1..20).contains(&cut.found.findings.len()), "{}", cut.found.findings.len());
    let Pace::Again { after } = cut.pace else { panic!("{:?}", cut.pace) };
    tokio::time::sleep(after).await;
    let (rest, _) = looked(&registries, &repository, cut.found.cursor).await;
    let mut all: Vec<String> =
        cut.found.findings.into_iter().map(|it| it.tag).chain(rest).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 20);
}

#[tokio::test]
async fn a_list_that_did_not_change_is_not_sent_again() {
    let server = Server::start(|request| match request.header("if-none-match") {
        Some("\"list-1\"") if request.line().contains("/tags/list") => Reply::headers(304, &[]),
        _ if request.line().contains("/tags/list") => {
            let body = br#"{"tags": ["latest"]}"#.to_vec();
            Reply::With { status: 200, headers: vec!["etag: \"list-1\"".to_owned()], body }
        }
        _ => Reply::headers(200, &[&format!("docker-content-digest: sha256:{}", "a".repeat(64))]),
    });
    let registries = Registries::default();
    let repository = repository(&server.address, "shop/web");
    let first = registries.poll((&repository, None), &EVERYTHING, None).await.unwrap().found;
    let second =
        registries.poll((&repository, None), &EVERYTHING, Some(&first.cursor)).await.unwrap().found;
    assert_eq!((&second.findings[..], &second.cursor), (&[][..], &first.cursor));
    let lines: Vec<String> = server.heard().iter().map(|it| it.line().to_owned()).collect();
    let list = "GET /v2/shop/web/tags/list?n=1000";
    let latest = "HEAD /v2/shop/web/manifests/latest";
    assert_eq!(lines, [list, latest, list, latest]);
}

#[tokio::test]
async fn a_chart_on_a_web_server_is_looked_at_like_tags() {
    let listed = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        if request.header("if-none-match").is_some() && listed.load(Ordering::SeqCst) == 2 {
            return Reply::headers(304, &[]);
        }
        let versions = ["1.0.0", "1.1.0", "2.0.0-rc1", "2.0.0"];
        let shown = if listed.fetch_add(1, Ordering::SeqCst) == 0 { 1 } else { 4 };
        let entries: String = versions[..shown]
            .iter()
            .map(|it| format!("  - {{version: {it}, digest: aa}}\n"))
            .collect();
        let body = format!("apiVersion: v1\nentries:\n  web:\n{entries}").into_bytes();
        Reply::With { status: 200, headers: vec![format!("etag: \"{shown}\"")], body }
    });
    let registries = Registries::default();
    let at = format!("http://{}/stable/", server.address);
    let filters = [TagFilter::semver(">=1").unwrap()];
    let first = registries.poll_charts((&at, "web"), &filters, None).await.unwrap().found;
    let second =
        registries.poll_charts((&at, "web"), &filters, Some(&first.cursor)).await.unwrap().found;
    let third =
        registries.poll_charts((&at, "web"), &filters, Some(&second.cursor)).await.unwrap().found;
    let names = |found: &artifacts::registry::Found| {
        found.findings.iter().map(|it| it.tag.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&first), names(&second), names(&third)),
        (vec![], vec!["1.1.0".into(), "2.0.0".into()], vec![])
    );
    assert_eq!(server.heard()[0].line(), "GET /stable/index.yaml");
}
