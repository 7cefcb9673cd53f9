//! Looks for what a folder has that could be deployed: manifests, and what has to be rendered first.

use artifacts::Source;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// Folders are looked into this deep.
const DEEPEST: usize = 6;
/// So many files and folders are looked at.
const MOST: usize = 5_000;
const MANIFEST_BYTES: u64 = artifacts::MAX_FILE_BYTES as u64;
/// Where nobody keeps manifests, beside what begins with a dot.
const SKIPPED: [&str; 6] = ["node_modules", "target", "vendor", "dist", "test", "tests"];
/// Files of programs that write theirs as Kubernetes writes objects.
const TOOLS: [&str; 6] =
    ["config.k8s.io", "x-k8s.io", "skaffold/", "k3d.io", "ctlptl.dev", "tilt.dev"];

/// What a folder and those below it have, by paths relative to it.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By folder, which is empty for the first one, else ends in `/`.
    pub(super) folders: BTreeMap<String, Folder>,
    pub(super) kustomizations: BTreeSet<String>,
    pub(super) charts: BTreeSet<String>,
    looked_at: usize,
}

/// A folder with manifests.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) files: Vec<Manifest>,
    /// Files beside them that are none, though a deploy of the folder would read them.
    pub(super) others: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) path: String,
    /// Nothing, if the file is broken; a check of the pipeline says how.
    pub(super) objects: Vec<Value>,
    pub(super) images: BTreeSet<String>,
}

enum Kind {
    Manifest(Manifest),
    Kustomization,
    Chart,
    Other,
}

impl Found {
    pub(super) fn in_folder(root: &Path) -> io::Result<Found> {
        let mut found = Found::default();
        found.look(root, "", 0)?;
        Ok(found)
    }

    fn look(&mut self, root: &Path, folder: &str, depth: usize) -> io::Result<()> {
        let mut names: Vec<(String, fs::FileType)> = Vec::new();
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            self.looked_at += 1;
            if let (Some(name), true) = (entry.file_name().to_str(), self.looked_at <= MOST) {
                names.push((name.to_owned(), entry.file_type()?));
            }
        }
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut here = Folder::default();
        for (name, kind) in &names {
            let is_yaml = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
            let path = format!("{folder}{name}");
            match kind.is_file() && is_yaml {
                false => {}
                true => match read(root, &path) {
                    // All below is rendered by another program.
                    Kind::Kustomization => return self.set_aside(folder, Rendered::Kustomization),
                    Kind::Chart => return self.set_aside(folder, Rendered::Chart),
                    Kind::Manifest(manifest) => here.files.push(manifest),
                    Kind::Other => here.others.push(path),
                },
            }
        }
        if here.files.iter().any(|file| !file.objects.is_empty()) {
            self.folders.insert(folder.to_owned(), here);
        }
        for (name, kind) in names {
            let is_skipped = name.starts_with('.') || SKIPPED.contains(&name.as_str());
            if kind.is_dir() && !is_skipped && depth < DEEPEST {
                self.look(root, &format!("{folder}{name}/"), depth + 1)?;
            }
        }
        Ok(())
    }

    fn set_aside(&mut self, folder: &str, rendered: Rendered) -> io::Result<()> {
        let shown = if folder.is_empty() { "./" } else { folder };
        match rendered {
            Rendered::Kustomization => self.kustomizations.insert(shown.to_owned()),
            Rendered::Chart => self.charts.insert(shown.to_owned()),
        };
        Ok(())
    }
}

/// By whom a folder is rendered.
enum Rendered {
    Kustomization,
    Chart,
}

fn read(root: &Path, path: &str) -> Kind {
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name {
        "kustomization.yaml" | "kustomization.yml" => return Kind::Kustomization,
        "Chart.yaml" => return Kind::Chart,
        _ => {}
    }
    let size = fs::metadata(root.join(path)).map_or(0, |file| file.len());
    match fs::read(root.join(path)) {
        Ok(content) if size <= MANIFEST_BYTES => kind_of(path, &content),
        Ok(_) | Err(_) => Kind::Other,
    }
}

fn kind_of(path: &str, content: &[u8]) -> Kind {
    let text = String::from_utf8_lossy(content);
    let says = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key));
    let version = says("apiVersion:").or_else(|| says("\"apiVersion\":"));
    let kind = says("kind:").or_else(|| says("\"kind\":"));
    let (Some(version), Some(_)) = (version, kind) else { return Kind::Other };
    if TOOLS.iter().any(|tool| version.contains(tool)) {
        return Kind::Other;
    }
    let rendered = artifacts::render(&[Source { path, content }], &BTreeMap::new());
    let path = path.to_owned();
    Kind::Manifest(match rendered {
        Ok(rendered) => Manifest {
            path,
            objects: rendered.objects,
            images: rendered.images.into_values().collect(),
        },
        Err(_) => Manifest { path, objects: Vec::new(), images: BTreeSet::new() },
    })
}

impl Manifest {
    /// The one Job that the file is, if a stage can run it: once, whatever happens.
    pub(super) fn job(&self) -> Option<&str> {
        let [object] = self.objects.as_slice() else { return None };
        let is_job = object["apiVersion"] == "batch/v1" && object["kind"] == "Job";
        let once = [
            ("/spec/backoffLimit", Value::from(0)),
            ("/spec/podReplacementPolicy", Value::from("Failed")),
            ("/spec/parallelism", Value::from(1)),
            ("/spec/completions", Value::from(1)),
            ("/spec/suspend", Value::from(false)),
            ("/spec/template/spec/restartPolicy", Value::from("Never")),
        ];
        let runs_once =
            once.iter().all(|(at, value)| object.pointer(at).is_none_or(|found| found == value));
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        name.filter(|_| is_job && runs_once)
    }
}
