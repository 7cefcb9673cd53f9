//! Which images start a run, and what is said of the others.

use super::*;

const PLACE: &str = "registry.example.com/shop/checkout";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn compiled(config: Value) -> Result<Matcher, Vec<Fault>> {
    let home = Home {
        application: "shop".to_owned(),
        pipeline: "checkout".to_owned(),
        trigger: 0,
        repository: None,
    };
    Image::compile(serde_json::from_value(config).unwrap(), &home)
}

fn with_tags(tags: Value) -> Matcher {
    compiled(json!({"repository": PLACE, "tags": tags})).unwrap()
}

fn pushed(tag: &str) -> happening::Image {
    happening::Image {
        repository: PLACE.to_owned(),
        tag: Some(tag.to_owned()),
        digest: Some(DIGEST.to_owned()),
        platforms: Platforms::Those(vec!["linux/amd64".to_owned(), "linux/arm64/v8".to_owned()]),
        confirmation: Confirmation::Yes,
    }
}

fn said(matcher: &Matcher, image: happening::Image) -> String {
    match Image::accept(matcher, &Happening::Image(image)) {
        Verdict::Start(_) => "start".to_owned(),
        Verdict::No(because) => format!("{}: {}", because.filter, because.value),
    }
}

#[test]
fn tags_are_versions_patterns_or_whatever_comes() {
    let range = with_tags(json!({"semver": ">=1.4, <2"}));
    let early = with_tags(json!({"semver": ">=2.0.0-rc1"}));
    let pattern = with_tags(json!({"regex": "main-[0-9a-f]{7}|edge"}));
    let newest = with_tags(json!({"newest": true}));
    let any = compiled(json!({"repository": PLACE})).unwrap();
    for (matcher, tag, starts) in [
        (&range, "1.4.0", true),
        (&range, "v1.5.2", true),
        (&range, "2.0.0", false),
        (&range, "1.5.0-rc1", false),
        (&range, "latest", false),
        (&range, "1.5", false),
        (&early, "2.0.0-rc2", true),
        (&early, "2.0.1-rc2", false),
        (&pattern, "main-0a1b2c3", true),
        (&pattern, "main-0a1b2c3d", false),
        (&pattern, "xmain-0a1b2c3", false),
        (&pattern, "edge", true),
        (&pattern, "edge2", false),
        (&newest, "anything", true),
        (&any, "anything", true),
    ] {
        let expected = if starts { "start".to_owned() } else { format!("tags: {tag}") };
        assert_eq!(said(matcher, pushed(tag)), expected);
    }
}

#[test]
fn what_the_registry_has_not_confirmed_starts_nothing() {
    let any = with_tags(json!({"newest": true}));
    let unconfirmed = format!("registry: {PLACE}:v1 was not confirmed");
    let forged = happening::Image { confirmation: Confirmation::No, ..pushed("v1") };
    assert_eq!(said(&any, forged), unconfirmed);
    let without = happening::Image { digest: None, ..pushed("v1") };
    assert_eq!(said(&any, without), unconfirmed);
    let untagged = happening::Image { tag: None, ..pushed("v1") };
    assert_eq!(said(&any, untagged), format!("tags: {PLACE} was pushed without a tag"));
}

#[test]
fn a_platform_is_one_of_those_that_the_registry_names() {
    let wanted =
        |platform: &str| compiled(json!({"repository": PLACE, "platform": platform})).unwrap();
    assert_eq!(said(&wanted("linux/amd64"), pushed("v1")), "start");
    assert_eq!(said(&wanted("linux/arm64"), pushed("v1")), "start");
    assert_eq!(said(&wanted("linux/s390x"), pushed("v1")), "platform: linux/amd64, linux/arm64/v8");
    let unread = happening::Image { platforms: Platforms::Unread, ..pushed("v1") };
    assert_eq!(said(&wanted("linux/amd64"), unread), "platform: nobody has looked what it runs on");
}

#[test]
fn a_tag_that_moves_means_something_new() {
    let any = with_tags(json!({"newest": true}));
    let meaning = |image| match Image::accept(&any, &Happening::Image(image)) {
        Verdict::Start(event) => event,
        Verdict::No(because) => panic!("{because:?}"),
    };
    let event = meaning(pushed("v1"));
    assert_eq!(event.fields["image"], format!("{PLACE}:v1@{DIGEST}"));
    assert_eq!((&event.fields["tag"], &event.fields["digest"]), (&json!("v1"), &json!(DIGEST)));
    assert!(artifacts::Reference::parse(event.fields["image"].as_str().unwrap()).is_ok());
    let moved = meaning(happening::Image { digest: Some("sha256:ff".to_owned()), ..pushed("v1") });
    assert_ne!(event.meaning, moved.meaning);
    assert_eq!(event.meaning, meaning(pushed("v1")).meaning);
}

#[test]
fn repositories_have_one_name_however_they_are_written() {
    for (written, named) in [
        ("nginx", "docker.io/library/nginx"),
        ("shop/checkout", "docker.io/shop/checkout"),
        ("index.docker.io/shop/checkout", "docker.io/shop/checkout"),
        ("Registry.Example.com/shop/checkout", PLACE),
        ("registry.example.com:443/shop/checkout", PLACE),
        ("localhost:5000/checkout", "localhost:5000/checkout"),
    ] {
        let matcher = compiled(json!({"repository": written})).unwrap();
        let repository = named.to_owned();
        assert_eq!(Image::keys(&matcher), [IndexKey::Image { repository }], "{written}");
    }
}

#[test]
fn every_fault_is_told_at_once_and_at_its_place() {
    let places = |config| {
        let faults = compiled(config).map(drop).unwrap_err();
        let place = |fault: &Fault| {
            let keys = fault.place.iter().map(|step| match step {
                Step::Key(key) => key.clone(),
                Step::Index(index) => index.to_string(),
            });
            format!("{:?} {}", fault.code, keys.collect::<Vec<_>>().join("."))
        };
        faults.iter().map(place).collect::<Vec<_>>()
    };
    let all = json!({"repository": "Bad Name", "tags": {"semver": "one"}, "platform": "amd64"});
    assert_eq!(places(all), ["Value repository", "Format tags.semver", "Value platform"]);
    for (tags, fault) in [
        (json!({}), "Value tags"),
        (json!({"semver": "1", "regex": "x"}), "Value tags"),
        (json!({"newest": false}), "Value tags.newest"),
        (json!({"regex": "("}), "Format tags.regex"),
        (json!({"regex": "(a{1000}){1000}"}), "Format tags.regex"),
    ] {
        assert_eq!(places(json!({"repository": PLACE, "tags": tags})), [fault], "{tags}");
    }
    assert_eq!(places(json!({"repository": "registry.example.com/a:v1"})), ["Value repository"]);
}

#[test]
fn an_image_without_a_filter_or_on_a_tag_that_moves_is_warned_about() {
    let warned = |tags: Option<Value>| {
        let mut config = json!({"repository": PLACE});
        config["tags"] = tags.unwrap_or(Value::Null);
        Image::warnings(&compiled(config).unwrap()).len()
    };
    for (tags, warnings) in [
        (None, 1),
        (Some(json!({"regex": "latest"})), 1),
        (Some(json!({"regex": "v.*|main"})), 1),
        (Some(json!({"regex": ".*"})), 1),
        (Some(json!({"regex": "v[0-9]+"})), 0),
        (Some(json!({"semver": "*"})), 0),
        (Some(json!({"newest": true})), 0),
    ] {
        assert_eq!(warned(tags.clone()), warnings, "{tags:?}");
    }
}
