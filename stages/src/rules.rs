//! The rules of an environment, held right before anything is written there: those that hang on
//! images, which are known by then, and the others once more, as long may have been waited since
//! they were judged. A way back is exempt from the first: what it brings back has been there.

use crate::site::{Site, Trouble};
use artifacts::Reference;
use engine_core::{
    clock::Moment,
    id::RunId,
    platform::{Case, RulesText, Verdict},
    revision::{Revision, Target},
    stage::{ObjectKey, ServiceError, StageError, Step, WaitReason, Wake},
    status::WaitKind,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Objects that start nothing, whatever stands in them.
const INERT: [&str; 3] = ["ConfigMap", "Secret", "CustomResourceDefinition"];
/// How often a way back that goes forward is held against a freeze of deploys.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Images that a sentence names.
const NAMES: usize = 5;

/// Whether `after` lets images in.
pub(crate) enum After {
    Met,
    /// The sentence says which image is missing where, and the keys change when that may be so no
    /// more.
    Waits {
        detail: String,
        keys: Vec<ObjectKey>,
    },
}

impl After {
    /// The step that waits for it.
    pub(crate) fn wait<P>((detail, objects): (String, Vec<ObjectKey>), progress: P) -> Step<P> {
        let reason = WaitReason { kind: WaitKind::Rules, detail };
        Step::Wait { progress, wake: Wake { at: None, objects }, reason, records: Vec::new() }
    }
}

impl Site<'_> {
    /// Whether any rule hangs on the images of what is deployed.
    pub(crate) fn looks_at_images(&self) -> bool {
        let asks = |rules: &RulesText| !rules.images.is_empty() || !rules.after.is_empty();
        self.rules.as_ref().is_some_and(asks)
    }

    /// Refuses a set with an image that the environment does not take, and tells all of them.
    pub(crate) fn keep_to_images(&self, objects: &[Value]) -> Result<(), Trouble> {
        let Some(rules) = self.rules.as_ref().filter(|rules| !rules.images.is_empty()) else {
            return Ok(());
        };
        let told: Vec<String> =
            objects.iter().flat_map(|object| objections(rules, object)).collect();
        if told.is_empty() {
            return Ok(());
        }
        let environment = &self.target.environment;
        Err(StageError::Failure(format!(
            "environment `{environment}` takes only images like {}: {}; nothing was written",
            rules.images.join(", "),
            told.join("; ")
        ))
        .into())
    }

    /// Whether the images of these objects are recorded as good in all environments that come before
    /// this one.
    pub(crate) async fn come_after(&self, objects: &[Value]) -> Result<After, Trouble> {
        let images = images_of(objects);
        let before = self.rules.iter().flat_map(|rules| &rules.after);
        let (mut missing, mut keys) = (Vec::new(), Vec::new());
        for name in before {
            let wanted = self.digests(&images, name)?;
            // Taken first: what is proven from here on wakes the stage.
            keys.push(self.context.services.proving(name));
            let good = digests_of(&self.newest_in(name).await?);
            let lacking = wanted.iter().filter(|(digest, _)| !good.contains(*digest));
            let lacking: Vec<&str> = lacking.map(|(_, image)| *image).collect();
            if !lacking.is_empty() {
                self.is_not_its_own(name, &lacking)?;
                missing.push(format!("{} in {name}", named(&lacking)));
            }
        }
        Ok(match missing.is_empty() {
            true => After::Met,
            false => After::Waits { detail: self.lacks(&missing), keys },
        })
    }

    /// All that was recorded of an environment, where it was deployed to last: no cluster is asked.
    async fn newest_in(&self, environment: &str) -> Result<Vec<Revision>, StageError> {
        let services = &self.context.services;
        let unread = |error: ServiceError| StageError::Error(error.to_string());
        let targets: Vec<Target> = services.targets(environment).await.map_err(unread)?;
        let mut newest: Vec<Revision> = Vec::new();
        for target in targets {
            let revisions = services.revisions(&target).await.map_err(unread)?;
            let last = |revisions: &[Revision]| revisions.last().map(|it| it.at.elapsed);
            if last(&revisions) > last(&newest) {
                newest = revisions;
            }
        }
        Ok(newest)
    }

    /// What only a later stage of this run could change, or what it keeps others from changing, is not
    /// waited for.
    fn is_not_its_own(&self, before: &str, lacking: &[&str]) -> Result<(), StageError> {
        if !self.context.kept.contains(before) {
            return Ok(());
        }
        let environment = &self.target.environment;
        Err(StageError::Failure(format!(
            "environment `{environment}` comes after `{before}`, where {} is not good yet, and cannot \
             become so before this stage has ended: a stage of this run that needs it acts in \
             `{before}` too. Let all stages in `{before}` come before those in `{environment}`, or \
             deploy there by a pipeline of its own; nothing was written",
            named(lacking)
        )))
    }

    /// Judges the rules that do not hang on images once more: the step that goes back to the gates,
    /// if people are to be asked now.
    pub(crate) fn admitted<P: Default>(&self) -> Result<Option<Step<P>>, Trouble> {
        let case = self.case()?;
        self.judged(case, Duration::ZERO)
    }

    /// The same for what is a deploy of what `run` had deployed, of its commit.
    pub(crate) async fn admitted_again<P: Default>(
        &self,
        run: RunId,
    ) -> Result<Option<Step<P>>, Trouble> {
        let origin = self.context.services.origin(run).await;
        let origin = origin.map_err(|error| StageError::Error(error.to_string()))?;
        // Only a look like this one sees that it is a deploy.
        self.judged(&self.case()?.deploying(origin), LOOK_AGAIN)
    }

    fn case(&self) -> Result<&Case, StageError> {
        self.context.case.as_ref().ok_or_else(|| {
            StageError::Defect("nothing says by what its rules are to be judged".to_owned())
        })
    }

    fn judged<P: Default>(&self, case: &Case, pause: Duration) -> Result<Option<Step<P>>, Trouble> {
        match case.admit(&self.platform.now(), self.context.now.civil) {
            Verdict::Unguarded | Verdict::Met { .. } => Ok(None),
            Verdict::Asks { detail } | Verdict::Frozen { detail, .. } => {
                let at = Some(Moment::Elapsed(self.context.now.elapsed.plus(pause)));
                let reason = WaitReason { kind: WaitKind::Rules, detail };
                let wake = Wake { at, objects: Vec::new() };
                let progress = P::default();
                Ok(Some(Step::Wait { progress, wake, reason, records: Vec::new() }))
            }
            Verdict::Rejected { because } => Err(StageError::Rejected(because).into()),
            Verdict::Closed { because } => Err(StageError::Failure(because).into()),
        }
    }

    fn lacks(&self, missing: &[String]) -> String {
        let environment = &self.target.environment;
        let names: Vec<&str> = self.rules.iter().flat_map(|it| &it.after).map(|it| &**it).collect();
        format!(
            "environment `{environment}` comes after {}: not good yet: {}",
            names.join(", "),
            missing.join("; ")
        )
    }

    /// The images by digest; one without cannot be compared, which closes.
    fn digests<'i>(
        &self,
        images: &'i BTreeMap<String, String>,
        before: &str,
    ) -> Result<BTreeMap<String, &'i str>, StageError> {
        let environment = &self.target.environment;
        let digest = |image: &'i String| match Reference::parse(image) {
            Ok(Reference { digest: Some(digest), .. }) => Ok((digest, image.as_str())),
            Ok(Reference { digest: None, .. }) | Err(_) => Err(StageError::Failure(format!(
                "environment `{environment}` comes after `{before}`, and whether image {image} was \
                 there cannot be told without its digest: write it with one, or name it under \
                 `images`, and its registry in gennaker.yaml; nothing was written"
            ))),
        };
        images.keys().map(digest).collect()
    }
}

/// The digests of the images that have proven themselves.
fn digests_of(revisions: &[Revision]) -> BTreeSet<String> {
    let good = revisions.iter().filter(|revision| revision.is_proven_ready());
    let images = good.flat_map(|it| it.set.images.values().chain(&it.set.further_images));
    images.filter_map(|it| Reference::parse(it).ok()?.digest).collect()
}

fn named(images: &[&str]) -> String {
    match (images.len(), images.get(..NAMES)) {
        (count, Some(first)) if count > NAMES => {
            format!("{} and {} more", first.join(", "), count - NAMES)
        }
        (_, _) => images.join(", "),
    }
}

/// The images of an object that no pattern has, each with its container.
fn objections(rules: &RulesText, object: &Value) -> Vec<String> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
    let label = format!("{} {}", text("/kind"), text("/metadata/name"));
    let mut images = Vec::new();
    collect(object, &mut images);
    let refused = images.into_iter().filter(|(_, image)| !takes(rules, image));
    refused.map(|(place, image)| format!("{label}, {place}: image {image}")).collect()
}

/// Where there is a digest, the tag says nothing: what is pulled is the digest.
fn takes(rules: &RulesText, image: &str) -> bool {
    // What is no image reference is none that a pattern could mean.
    let Ok(reference) = Reference::parse(image) else { return false };
    let mut whole = Reference { repository: reference.repository.normal(), ..reference };
    if whole.digest.is_some() {
        whole.tag = None;
    }
    let names = [whole.repository.to_string(), whole.to_string()];
    rules.takes(names.each_ref().map(String::as_str))
}

/// The images of a set, each once, with where it stands.
pub(crate) fn images_of(objects: &[Value]) -> BTreeMap<String, String> {
    let mut found = Vec::new();
    objects.iter().for_each(|object| collect(object, &mut found));
    found.into_iter().map(|(place, image)| (image.to_owned(), place)).collect()
}

/// Whatever is called an image, at any depth: kinds that nobody knows have pods in them too.
fn collect<'v>(value: &'v Value, found: &mut Vec<(String, &'v str)>) {
    match value {
        Value::Object(entries) => {
            if entries.get("kind").and_then(Value::as_str).is_some_and(|it| INERT.contains(&it)) {
                return;
            }
            let name = entries.get("name").and_then(Value::as_str).unwrap_or("?");
            let image = entries.get("image");
            if let Some(image) = image.and_then(Value::as_str) {
                found.extend((!image.is_empty()).then(|| (format!("container {name}"), image)));
            }
            let volume = image.and_then(|image| image.get("reference")?.as_str());
            found.extend(volume.map(|image| (format!("volume {name}"), image)));
            entries.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::{diagnostic::SourceFile, platform::Platform};
    use serde_json::json;

    fn rules(images: &str) -> RulesText {
        let text = format!(
            "version: 1\nenvironments: {{p: {{cluster: c, rules: {{images: {images}}}}}}}\n"
        );
        let platform = Platform::read(&SourceFile::new("gennaker.yaml", text.as_bytes())).unwrap();
        platform.rules("p").unwrap().clone()
    }

    #[test]
    fn an_image_is_taken_by_its_repository_or_with_tag_or_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let rules =
            rules(r#"["r.example.com/shop/*", "docker.io/library/nginx:1.*", "quay.io/**"]"#);
        for (image, taken) in [
            ("r.example.com/shop/web", true),
            ("r.example.com/shop/web:v1", true),
            (&format!("r.example.com/shop/web:v1@{digest}"), true),
            ("r.example.com/shop/a/b", false),
            ("r.example.com.evil.test/shop/web", false),
            ("shop/web", false),
            ("nginx:1.29", true),
            // The tag of what is pulled by its digest proves nothing.
            (&format!("nginx:1.29@{digest}"), false),
            (&format!("r.example.com/shop/web@{digest}"), true),
            ("nginx", false),
            ("quay.io/a/b/c", true),
            ("Not An Image", false),
        ] {
            assert_eq!(takes(&rules, image), taken, "{image}");
        }
    }

    #[test]
    fn every_image_of_an_object_is_looked_at_at_whatever_depth() {
        let container = |name: &str| json!({"name": name, "image": format!("evil/{name}")});
        let pod = json!({
            "containers": [container("app"), {"name": "none"}],
            "initContainers": [container("init")],
            "ephemeralContainers": [container("debug")],
            "volumes": [{"name": "data", "image": {"reference": "evil/data"}}],
        });
        let object = json!({
            "kind": "Rollout", "metadata": {"name": "web"},
            "spec": {
                "deep": [{"template": {"spec": pod}}],
                "step": {"name": "build", "image": "evil/step"},
                "config": {"kind": "ConfigMap", "data": {"image": "evil/inert"}},
            },
        });
        let told = objections(&rules(r#"["good/*"]"#), &object);
        assert_eq!(
            told,
            [
                "Rollout web, container app: image evil/app",
                "Rollout web, container debug: image evil/debug",
                "Rollout web, container init: image evil/init",
                "Rollout web, volume data: image evil/data",
                "Rollout web, container build: image evil/step",
            ]
        );
    }
}
