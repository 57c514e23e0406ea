//! Writing files whole: beside the path first, then synced and renamed, so that a reader sees the old file or the new one.

use crate::error::{Error, Result, codes, escape, quote};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What went wrong with the file or folder at `path`, the value of `argument`.
pub(crate) fn io_error(argument: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(codes::IO, argument, None, format!("{}: {}", quote(&path.to_string_lossy()), escape(&error.to_string(), 200)))
}

/// A name beside `path` that no other file has.
pub(crate) fn beside(argument: &str, path: &Path) -> Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(Error::new(codes::IO, argument, None, format!("{} names no file", quote(&path.to_string_lossy()))));
    };
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(beside))
}

/// Writes the file at `path`, the value of `argument`, with what `write` puts into it.
pub(crate) fn publish(argument: &str, path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let temporary = beside(argument, path)?;
    let written = File::create_new(&temporary).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if let Err(e) = written {
        // What is left behind is of no use; that it cannot be removed either is not the news.
        let _ = fs::remove_file(&temporary);
        return Err(io_error(argument, path, &e));
    }
    sync_folder(path);
    Ok(())
}

/// Makes the name of a renamed file last. Not every file system lets a folder be synced; the file itself is safe by now.
pub(crate) fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
