//! Polls of real registries, and notifications that are looked at there.

use artifacts::registry::Registries;
use engine_core::{
    happening::{self, Confirmation, Happening, Platforms},
    trigger::{AnyTrigger, Home, IndexKey, PollError, Polled, Poller, Rest, Verdict},
};
use registry_server::{
    Image, Registry,
    web::{Reply, Server},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use triggers::{chart, image};

fn images(registry: &Registry, path: &str) -> IndexKey {
    IndexKey::Image { repository: format!("{}/{path}", registry.host) }
}

/// Every poll until there is no more for now, and where to go on; a cursor is stored in between.
async fn polled(
    poller: &dyn Poller,
    subject: &IndexKey,
    cursor: Option<Value>,
) -> (Vec<Vec<Happening>>, Value) {
    let (mut pages, mut cursor) = (Vec::new(), cursor);
    loop {
        let Polled { happenings, cursor: next, rest } = poller.poll(subject, cursor).await.unwrap();
        let next: Value = serde_json::from_str(&next.to_string()).unwrap();
        pages.push(happenings);
        match rest {
            Rest::None => return (pages, next),
            Rest::More => cursor = Some(next),
        }
    }
}

fn tags(pages: &[Vec<Happening>]) -> Vec<String> {
    let tag = |happening: &Happening| match happening {
        Happening::Image(image) => image.tag.clone().unwrap(),
        Happening::Chart(chart) => chart.version.clone(),
        other => panic!("{other:?}"),
    };
    pages.iter().flatten().map(tag).collect()
}

#[tokio::test]
async fn what_is_pushed_after_the_first_look_is_found_once_with_its_digest() {
    let mut registry = Registry::start();
    let poller = image::ImagePoller(Registries::default());
    let subject = images(&registry, "shop/checkout");
    registry.push(&Image::new("zero"), "shop/checkout:0.9.0");
    let (first, cursor) = polled(&poller, &subject, None).await;
    assert_eq!(tags(&first), [""; 0], "the first sight starts nothing");

    let multi = Image::multi("one", &["linux/amd64", "linux/arm64"]);
    let digest = registry.push(&multi, "shop/checkout:1.0.0");
    let (second, cursor) = polled(&poller, &subject, Some(cursor)).await;
    let found = Happening::Image(happening::Image {
        repository: format!("{}/shop/checkout", registry.host),
        tag: Some("1.0.0".to_owned()),
        digest: Some(digest),
        platforms: Platforms::Those(vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()]),
        confirmation: Confirmation::Yes,
    });
    assert_eq!(second, [[found]]);
    let (third, cursor) = polled(&poller, &subject, Some(cursor)).await;
    assert_eq!(tags(&third), [""; 0]);

    registry.stop();
    let later = poller.poll(&subject, Some(cursor.clone())).await;
    assert!(matches!(later, Err(PollError::Later { .. })), "{later:?}");
    registry.restart();
    registry.push(&Image::new("two"), "shop/checkout:1.10.0");
    registry.push(&Image::new("three"), "shop/checkout:1.9.0");
    registry.push(&Image::new("four"), "shop/checkout:edge");
    let other = image::ImagePoller(Registries::default());
    let (fourth, cursor) = polled(&other, &subject, Some(cursor)).await;
    assert_eq!(tags(&fourth), ["edge", "1.9.0", "1.10.0"], "the highest version comes last");
    registry.push(&Image::new("five"), "shop/checkout:edge");
    let (fifth, _) = polled(&other, &subject, Some(cursor)).await;
    assert_eq!(tags(&fifth), ["edge"], "it has moved");
}

#[tokio::test]
async fn a_thousand_new_tags_come_in_pages_and_none_is_lost_by_who_stops_in_between() {
    let registry = Registry::start();
    let poller = image::ImagePoller(Registries::default());
    let subject = images(&registry, "shop/checkout");
    let digest = registry.push(&Image::new("one"), "shop/checkout:base");
    let (_, cursor) = polled(&poller, &subject, None).await;
    registry.tag("shop/checkout", &digest, (0..1_003).map(|number| format!("1.0.{number}")));
    let again = poller.poll(&subject, Some(cursor.clone())).await.unwrap();
    let lost = poller.poll(&subject, Some(cursor.clone())).await.unwrap();
    assert_eq!(again, lost, "a poll whose answer was not stored finds the same again");
    let (pages, cursor) = polled(&poller, &subject, Some(cursor)).await;
    assert!(pages.iter().all(|page| page.len() <= 100), "bounded pages");
    let found = tags(&pages);
    assert_eq!(found.len(), 1_003, "each once");
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 1_003);
    assert_eq!(tags(&polled(&poller, &subject, Some(cursor)).await.0), [""; 0]);
}

#[tokio::test]
async fn the_first_image_of_a_repository_that_was_not_there_is_new() {
    let registry = Registry::start();
    let poller = image::ImagePoller(Registries::default());
    let subject = images(&registry, "shop/new");
    let (none, cursor) = polled(&poller, &subject, None).await;
    assert_eq!(tags(&none), [""; 0]);
    registry.push(&Image::new("one"), "shop/new:v1");
    assert_eq!(tags(&polled(&poller, &subject, Some(cursor)).await.0), ["v1"]);
}

#[tokio::test]
async fn a_forged_notification_starts_nothing_and_a_true_one_what_the_registry_has() {
    let registry = Registry::start();
    let registries = Registries::default();
    let digest = registry.push(&Image::new("one"), "shop/checkout:v1");
    let repository = format!("{}/shop/checkout", registry.host);
    let hint = |tag: &str| happening::Image {
        repository: repository.clone(),
        tag: Some(tag.to_owned()),
        digest: Some(format!("sha256:{}", "f".repeat(64))),
        platforms: Platforms::Unread,
        confirmation: Confirmation::No,
    };
    let trigger = AnyTrigger::compile(
        &image::Image,
        &json!({"repository": repository, "tags": {"newest": true}, "platform": "linux/amd64"}),
        &Home {
            application: "a".to_owned(),
            pipeline: "p".to_owned(),
            trigger: 0,
            repository: None,
        },
    )
    .unwrap();
    assert!(matches!(trigger.accept(&Happening::Image(hint("v1"))), Verdict::No(_)), "a hint");
    let forged = image::confirm(&registries, &hint("v2")).await;
    assert!(matches!(forged, Err(PollError::Refused { .. })), "{forged:?}");
    let confirmed = image::confirm(&registries, &hint("v1")).await.unwrap();
    assert_eq!(
        confirmed.digest.as_deref(),
        Some(&*digest),
        "the registry's, not the notification's"
    );
    let Verdict::Start(event) = trigger.accept(&Happening::Image(confirmed)) else {
        panic!("it is there")
    };
    assert_eq!(event.fields["digest"], digest);
}

#[tokio::test]
async fn a_signature_beside_an_image_is_no_image() {
    let registry = Registry::start();
    let poller = image::ImagePoller(Registries::default());
    let subject = images(&registry, "shop/checkout");
    let (_, cursor) = polled(&poller, &subject, None).await;
    registry.push(&Image::chart("1.0.0"), "shop/checkout:not-an-image");
    let (pages, _) = polled(&poller, &subject, Some(cursor)).await;
    let home = Home {
        application: "a".to_owned(),
        pipeline: "p".to_owned(),
        trigger: 0,
        repository: None,
    };
    let config = json!({"repository": format!("{}/shop/checkout", registry.host)});
    let trigger = AnyTrigger::compile(&image::Image, &config, &home).unwrap();
    let Verdict::No(because) = trigger.accept(&pages[0][0]) else { panic!("it runs on nothing") };
    assert_eq!(because.filter, "registry");
}

#[tokio::test]
async fn charts_are_found_in_a_registry_and_confirmed_there() {
    let registry = Registry::start();
    let registries = Registries::default();
    let poller = chart::ChartPoller(registries.clone());
    let repository = format!("oci://{}/charts", registry.host);
    let subject = IndexKey::Chart { repository: repository.clone(), name: "web".to_owned() };
    let (_, cursor) = polled(&poller, &subject, None).await;
    let digest = registry.push(&Image::chart("1.0.0"), "charts/web:1.0.0_build.7");
    let (pages, cursor) = polled(&poller, &subject, Some(cursor)).await;
    let found = happening::Chart {
        repository,
        name: "web".to_owned(),
        version: "1.0.0+build.7".to_owned(),
        digest: Some(digest),
        confirmation: Confirmation::Yes,
    };
    assert_eq!(pages, [[Happening::Chart(found.clone())]]);
    assert_eq!(tags(&polled(&poller, &subject, Some(cursor)).await.0), [""; 0]);
    let hint = happening::Chart { digest: None, confirmation: Confirmation::No, ..found.clone() };
    assert_eq!(chart::confirm(&registries, &hint).await, Ok(found));
    let forged = happening::Chart { version: "2.0.0".to_owned(), ..hint };
    let forged = chart::confirm(&registries, &forged).await;
    assert!(matches!(forged, Err(PollError::Refused { .. })), "{forged:?}");
}

#[tokio::test]
async fn charts_are_found_in_an_index_and_confirmed_there() {
    let versions = Arc::new(Mutex::new(vec!["1.0.0"]));
    let told = Arc::clone(&versions);
    let server = Server::start(move |_| {
        let entry = |version: &&str| {
            let digest = "a".repeat(64);
            format!("    - {{version: {version}, digest: '{digest}', urls: [web-{version}.tgz]}}\n")
        };
        let entries: String = told.lock().unwrap().iter().map(entry).collect();
        let body = format!("apiVersion: v1\nentries:\n  web:\n{entries}").into_bytes();
        Reply::With { status: 200, headers: Vec::new(), body }
    });
    let registries = Registries::default();
    let poller = chart::ChartPoller(registries.clone());
    let repository = format!("http://{}/stable", server.address);
    let subject = IndexKey::Chart { repository: repository.clone(), name: "web".to_owned() };
    let (first, cursor) = polled(&poller, &subject, None).await;
    assert_eq!(tags(&first), [""; 0]);
    versions.lock().unwrap().push("1.1.0");
    let (second, cursor) = polled(&poller, &subject, Some(cursor)).await;
    assert_eq!(tags(&second), ["1.1.0"]);
    assert_eq!(tags(&polled(&poller, &subject, Some(cursor)).await.0), [""; 0]);
    let hint = |version: &str| happening::Chart {
        repository: repository.clone(),
        name: "web".to_owned(),
        version: version.to_owned(),
        digest: None,
        confirmation: Confirmation::No,
    };
    assert!(chart::confirm(&registries, &hint("1.1.0")).await.is_ok());
    let forged = chart::confirm(&registries, &hint("9.9.9")).await;
    assert!(matches!(forged, Err(PollError::Refused { .. })), "{forged:?}");
}
