//! Disks that fill up or fail: a mounted file system, or a library to preload.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Sandbox;

pub fn is_root() -> bool {
    String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap().trim() == "0"
}

/// A small file system of its own, gone when dropped.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount one, which only root and CI have to be able to.
    pub fn mount(folder: &Path, kilobytes: u64) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(folder)
            .stderr(Stdio::null());
        let is_mounted = mount.status().is_ok_and(|status| status.success());
        assert!(
            is_mounted || !is_root() || std::env::var_os("CI").is_some(),
            "this is root, and no small disk can be mounted"
        );
        is_mounted.then(|| Self(folder.to_owned()))
    }

    /// Writes a file that leaves only so much room, in whole pages.
    pub fn fill(&self, kilobytes_left: u64) -> PathBuf {
        let ballast = self.0.join("ballast");
        let df = Command::new("df").args(["--output=avail", "-k"]).arg(&self.0).output().unwrap();
        let free: u64 =
            String::from_utf8(df.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
        fs::write(
            &ballast,
            vec![0; usize::try_from(free.saturating_sub(kilobytes_left) << 10).unwrap()],
        )
        .unwrap();
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

/// Makes calls that put data on disk fail, from the call of number `FAIL_FROM` on.
pub fn failing_sync(sandbox: &Sandbox) -> PathBuf {
    library(
        sandbox,
        "sync",
        "#include <errno.h>\n#include <stdlib.h>\n\
         static int fails(void) { static int calls; const char *from = getenv(\"FAIL_FROM\"); return from && ++calls >= atoi(from); }\n\
         #define FAIL() do { if (fails()) { errno = EIO; return -1; } } while (0)\n\
         int fsync(int fd) { (void)fd; FAIL(); return 0; }\n\
         int fdatasync(int fd) { (void)fd; FAIL(); return 0; }\n",
    )
}

/// Makes one read fail: the `FAIL_AT`th of a file in the folder `FAIL_IN`. The file `FAIL_MARK`
/// tells that it was reached.
pub fn failing_read(sandbox: &Sandbox) -> PathBuf {
    library(sandbox, "read", FAILING_READ)
}

/// All ways in which Rust and RocksDB read files.
const FAILING_READ: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int fd) {
    static atomic_long calls;
    const char *folder = getenv("FAIL_IN"), *at = getenv("FAIL_AT"), *mark = getenv("FAIL_MARK");
    char link[64], path[4096];
    if (!folder || !at || !mark) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0 || atomic_fetch_add(&calls, 1) + 1 != atol(at)) return 0;
    close(open(mark, O_CREAT | O_WRONLY, 0600));
    errno = EIO;
    return 1;
}

#define REAL(name, ...) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t read(int fd, void *to, size_t size) { REAL(read); return fails(fd) ? -1 : real(fd, to, size); }
ssize_t pread(int fd, void *to, size_t size, off_t at) { REAL(pread); return fails(fd) ? -1 : real(fd, to, size, at); }
ssize_t pread64(int fd, void *to, size_t size, off64_t at) { REAL(pread64); return fails(fd) ? -1 : real(fd, to, size, at); }
size_t fread_unlocked(void *to, size_t size, size_t count, FILE *file) {
    REAL(fread_unlocked);
    return fails(fileno(file)) ? 0 : real(to, size, count, file);
}
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags) {
    REAL(copy_file_range);
    return fails(from) ? -1 : real(from, from_at, to, to_at, size, flags);
}
"#;

fn library(sandbox: &Sandbox, name: &str, source: &str) -> PathBuf {
    let source = sandbox.write(&format!("{name}.c"), source);
    let library = sandbox.path(&format!("{name}.so"));
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(made.success());
    library
}
