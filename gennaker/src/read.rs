//! Reads pipeline files and the files that they name: bounded, and never beyond their root.

use engine_core::{
    diagnostic::SourceFile,
    event::Trigger,
    files::{File, FileRequest, Files, Found},
    id::BlobName,
    pipeline::{Bindings, Given, Missing},
};
use std::{
    collections::BTreeSet,
    fs, io,
    io::Read,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// One file that a pipeline names may be this large.
const FILE_LIMIT_BYTES: u64 = 1024 * 1024;
/// One pattern may stand for this many files.
const FILES_LIMIT: usize = 500;

/// So many files beside a pipeline are looked at for others.
const NEIGHBOURS: usize = 200;

/// A pipeline file and the folder that its paths are relative to.
pub(crate) struct Located {
    pub(crate) source: SourceFile,
    pub(crate) root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} has no pipeline: put one into its .gennaker folder", path.display())]
    NoPipeline { path: PathBuf },
    #[error("{} has several pipelines, name one of them: {}", path.display(), names(found))]
    Several { path: PathBuf, found: Vec<PathBuf> },
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// What a run starts with when somebody starts it here.
pub(crate) fn bindings(parameters: &[(String, String)], missing: Missing) -> Bindings {
    let given = parameters.iter().map(|(id, text)| (id.clone(), Given::Written(text.clone())));
    let (parameters, actor) = (given.collect(), crate::run::actor().name);
    Bindings { parameters, actor, trigger: Trigger::Manual, missing }
}

/// Finds and reads the pipeline that `path` means: a file, or a folder with one.
pub(crate) fn locate(path: &Path) -> Result<Located, ReadError> {
    let unreadable = |error| ReadError::Unreadable { path: path.to_owned(), error };
    let file = if fs::metadata(path).map_err(unreadable)?.is_dir() {
        only_pipeline(path)?
    } else {
        path.to_owned()
    };
    let unreadable = |error| ReadError::Unreadable { path: file.clone(), error };
    let bytes = read_at_most(&file, SourceFile::MAX_BYTES as u64 + 1).map_err(unreadable)?;
    let root = if path.is_dir() { path.to_owned() } else { root_of(&file) };
    Ok(Located { source: SourceFile::new(file.display().to_string(), &bytes), root })
}

/// The folder above the file's `.gennaker`, or the file's own.
fn root_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let root = match folder.file_name() {
        Some(name) if name == ".gennaker" => folder.parent().unwrap_or(Path::new("")),
        Some(_) | None => folder,
    };
    if root == Path::new("") { PathBuf::from(".") } else { root.to_owned() }
}

fn only_pipeline(folder: &Path) -> Result<PathBuf, ReadError> {
    let mut found = yaml_files(&folder.join(".gennaker")).unwrap_or_default();
    if found.is_empty() {
        found = yaml_files(folder).unwrap_or_default();
    }
    let path = folder.to_owned();
    match found.as_slice() {
        [] => Err(ReadError::NoPipeline { path }),
        [only] => Ok(only.clone()),
        _ => Err(ReadError::Several { path, found }),
    }
}

/// The pipeline files beside one; what cannot be read is none.
pub(crate) fn neighbours(located: &Located) -> Vec<SourceFile> {
    let own = Path::new(located.source.path());
    let folder = own.parent().filter(|folder| *folder != Path::new(""));
    let paths = yaml_files(folder.unwrap_or(Path::new("."))).unwrap_or_default();
    let read = |path: &PathBuf| {
        let bytes = read_at_most(path, SourceFile::MAX_BYTES as u64 + 1).ok()?;
        Some(SourceFile::new(path.display().to_string(), &bytes))
    };
    paths.iter().filter(|path| *path != own).take(NEIGHBOURS).filter_map(read).collect()
}

pub(crate) fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    files_in(folder, &["yaml", "yml"])
}

fn files_in(folder: &Path, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)?.take(FILES_LIMIT * 10) {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_file() && extension.is_some_and(|it| extensions.contains(&it)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads what a pipeline asks for; `name` tells how content is named.
pub(crate) fn files(
    root: &Path,
    requests: &[FileRequest],
    name: impl Fn(&[u8]) -> BlobName,
) -> Files {
    let mut files = Files::default();
    let patterns: BTreeSet<&str> = requests.iter().map(|it| it.pattern.as_str()).collect();
    for pattern in patterns {
        let found = match paths_of(root, pattern).and_then(|paths| read_all(root, &paths)) {
            Err(reason) => Found::Nothing { reason },
            Ok(contents) => {
                let paths = contents.iter().map(|(path, _)| path.clone()).collect();
                for (path, content) in contents {
                    let name = name(&content);
                    files.insert_file(path, File { content: Arc::from(content), name });
                }
                Found::Paths(paths)
            }
        };
        files.insert_answer(pattern.to_owned(), found);
    }
    files
}

/// The files that a pattern stands for: a file, the manifests of a folder, or a glob's matches.
fn paths_of(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let relative = Path::new(pattern);
    let stays = relative.components().all(|part| match part {
        Component::Normal(_) | Component::CurDir => true,
        Component::ParentDir | Component::RootDir | Component::Prefix(_) => false,
    });
    if !stays {
        return Err("a path stays below the repository's root, without `..`".to_owned());
    }
    let whole = root.join(relative);
    let paths = if whole.is_dir() {
        files_in(&whole, &["yaml", "yml", "json"]).map_err(|error| error.to_string())?
    } else if whole.is_file() {
        vec![whole]
    } else {
        let escaped = glob::Pattern::escape(&root.to_string_lossy());
        let matches = glob::glob(&format!("{escaped}/{pattern}")).map_err(|e| e.to_string())?;
        let matches = matches.take(FILES_LIMIT * 10).filter_map(Result::ok);
        matches.filter(|path| path.is_file()).collect()
    };
    match paths.len() {
        0 => Err(format!("nothing is at `{pattern}` below {}", root.display())),
        1..=FILES_LIMIT => Ok(paths),
        count => Err(format!("{count} files, at most {FILES_LIMIT} are read")),
    }
}

fn read_all(root: &Path, paths: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let inside = root.canonicalize().map_err(|error| error.to_string())?;
    let read = |path: &PathBuf| {
        let told = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        let real = path.canonicalize().map_err(|error| format!("{told}: {error}"))?;
        if !real.starts_with(&inside) {
            return Err(format!("{told}: a link that leaves the repository is not followed"));
        }
        let content = read_at_most(&real, FILE_LIMIT_BYTES + 1);
        let content = content.map_err(|error| format!("{told}: {error}"))?;
        if content.len() as u64 > FILE_LIMIT_BYTES {
            return Err(format!("{told}: larger than {FILE_LIMIT_BYTES} bytes"));
        }
        Ok((told, content))
    };
    paths.iter().map(read).collect()
}

fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(limit).read_to_end(&mut content)?;
    Ok(content)
}
