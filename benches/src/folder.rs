//! Makes folders empty, or copies of others.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Makes the folder `dir`.
///
/// # Errors
/// If it has something in it, or cannot be made; names it.
pub fn make_empty(dir: &Path) -> Result<()> {
    let named = || dir.display().to_string();
    fs::create_dir_all(dir).with_context(named)?;
    if fs::read_dir(dir).with_context(named)?.next().is_some() {
        bail!("{}: not empty; name a new folder", dir.display());
    }
    Ok(())
}

/// Removes the folder `dir`, if it is there.
///
/// # Errors
/// If it cannot be removed; names it.
pub fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| dir.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Makes `to` a copy of `from`: its folders and files, and nothing that was there before. All of it
/// is on disk then, so that whoever writes there next does not wait for it.
///
/// # Errors
/// If something cannot be read or written; names it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let (path, target) = entry
            .map(|entry| (entry.path(), to.join(entry.file_name())))
            .with_context(|| from.display().to_string())?;
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            let synced = |_| File::open(&target)?.sync_all();
            fs::copy(&path, &target)
                .and_then(synced)
                .with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_refused() -> Result<()> {
        let dir = tempfile::tempdir()?;
        make_empty(&dir.path().join("new"))?;
        let error = make_empty(dir.path()).expect_err("in use").to_string();
        assert!(error.ends_with("not empty; name a new folder"), "{error}");
        Ok(())
    }

    #[test]
    fn a_copy_has_what_the_original_has_and_no_more() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
        fs::create_dir_all(from.join("a/b"))?;
        fs::write(from.join("a/b/c"), "text")?;
        fs::create_dir(&to)?;
        fs::write(to.join("old"), "")?;
        copy(&from, &to)?;
        assert_eq!(fs::read_to_string(to.join("a/b/c"))?, "text");
        assert!(!to.join("old").exists());
        remove(&to)?;
        remove(&to)?;
        assert!(!to.exists());
        assert!(copy(&to, &from).is_err());
        Ok(())
    }
}
