//! Images that are made without a builder: a layout as the specification of OCI has it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{fs, path::Path};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// When images are built of which nothing else is said.
const BUILT: &str = "2024-01-01T00:00:00Z";

/// An image; two of the same words have the same digest.
#[derive(Clone, Debug)]
pub struct Image {
    words: String,
    built: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Single { platform: String },
    Index { platforms: Vec<String> },
    Chart,
}

impl Image {
    /// For `linux/amd64`.
    pub fn new(words: &str) -> Image {
        Image::of(words, Kind::Single { platform: "linux/amd64".to_owned() })
    }

    /// An index with an image for each platform.
    pub fn multi(words: &str, platforms: &[&str]) -> Image {
        let platforms = platforms.iter().map(|it| (*it).to_owned()).collect();
        Image::of(words, Kind::Index { platforms })
    }

    pub fn chart(words: &str) -> Image {
        Image::of(words, Kind::Chart)
    }

    pub fn built(mut self, at: &str) -> Image {
        at.clone_into(&mut self.built);
        self
    }

    fn of(words: &str, kind: Kind) -> Image {
        Image { words: words.to_owned(), built: BUILT.to_owned(), kind }
    }

    /// The digest of the image for a platform, within an index.
    pub fn digest_for(&self, platform: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let entry = self.single(folder.path(), platform);
        entry["digest"].as_str().unwrap().to_owned()
    }

    /// Writes a layout of which the image is `it`, and tells its digest.
    pub fn write(&self, folder: &Path) -> String {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())
            .unwrap();
        let mut top = match &self.kind {
            Kind::Single { platform } => self.single(folder, platform),
            Kind::Chart => {
                let config = json!({"name": "web", "version": self.words, "apiVersion": "v2"});
                manifest(folder, (HELM_CONFIG, &config))
            }
            Kind::Index { platforms } => {
                let images = platforms.iter().map(|platform| {
                    let mut entry = self.single(folder, platform);
                    entry["platform"] = parts(platform);
                    entry
                });
                let manifests: Vec<Value> = images.collect();
                let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
                blob(folder, INDEX, index.to_string().as_bytes())
            }
        };
        top["annotations"] = json!({"org.opencontainers.image.ref.name": "it"});
        let index = json!({"schemaVersion": 2, "manifests": [top]});
        fs::write(folder.join("index.json"), index.to_string()).unwrap();
        top["digest"].as_str().unwrap().to_owned()
    }

    fn single(&self, folder: &Path, platform: &str) -> Value {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        let mut config = parts(platform);
        config["created"] = json!(self.built);
        config["config"] = json!({"Labels": {"words": self.words}});
        let layer = [0_u8; 1_024];
        config["rootfs"] = json!({"type": "layers", "diff_ids": [named(&layer)]});
        manifest(folder, (CONFIG, &config))
    }
}

fn parts(platform: &str) -> Value {
    let mut all = platform.split('/');
    let mut value = json!({"os": all.next(), "architecture": all.next()});
    if let Some(variant) = all.next() {
        value["variant"] = json!(variant);
    }
    value
}

fn manifest(folder: &Path, (media_type, config): (&str, &Value)) -> Value {
    let layers = [blob(folder, LAYER, &[0; 1_024])];
    let config = blob(folder, media_type, config.to_string().as_bytes());
    let manifest =
        json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers});
    blob(folder, IMAGE, manifest.to_string().as_bytes())
}

/// Writes a blob, and tells what describes it.
fn blob(folder: &Path, media_type: &str, content: &[u8]) -> Value {
    let digest = named(content);
    let file = folder.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    fs::write(file, content).unwrap();
    json!({"mediaType": media_type, "digest": digest, "size": content.len()})
}

fn named(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}
