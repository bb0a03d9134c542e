//! A small disk, a `tmpfs`, that the program can fill. It holds either the tables or the write-ahead log.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kefu_testkit::eventually;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::time::{Instant, sleep};

use super::Skipped;
use crate::world::World;

/// Mount options: 768 MiB have room for the tables, or for the write-ahead log of a run within its `max_wal_size`.
const SIZE: &str = "size=768m,mode=0700";

/// The mounted disk, which only this program and the processes that it starts can see.
pub struct Disk {
    directory: tempfile::TempDir,
}

/// Returns the disk, or the reason to skip the fault when there is none.
pub fn needed(disk: Option<&Disk>) -> Result<&Disk, Skipped> {
    disk.ok_or_else(|| Skipped("no disk can be mounted: run tools/chaos as root, with CAP_SYS_ADMIN".into()))
}

impl Disk {
    /// Mounts a disk, but only in a mount namespace of this program, so that the disk vanishes however the program
    /// ends. Returns None without such a namespace, or if mounting fails.
    pub fn mount(has_own_mounts: bool) -> Option<Self> {
        if !has_own_mounts {
            return None;
        }
        let directory = tempfile::Builder::new().prefix("kefu-disk-").tempdir().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", SIZE, "kefu-chaos"]).arg(directory.path());
        let mounted = command.status().is_ok_and(|status| status.success());
        mounted.then_some(Self { directory })
    }

    /// Returns a directory on the disk that belongs to the user of Postgres, and creates it if necessary.
    fn place(&self, world: &World, name: &str) -> PathBuf {
        let place = self.directory.path().join(name);
        let owner = fs::metadata(world.rig.postgres_data()).unwrap();
        chown(self.directory.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        if !place.exists() {
            fs::create_dir(&place).unwrap();
            chown(&place, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        place
    }

    /// Moves every table and index of the services to a tablespace: `small`, which is on this disk, or `pg_default`.
    pub async fn move_tables(&self, world: &World, tablespace: &str) {
        if tablespace == "small" {
            let place = self.place(world, "tables").display().to_string();
            let known = sqlx::query("select from pg_tablespace where spcname = 'small'");
            if known.fetch_optional(&world.pool).await.unwrap().is_none() {
                let create = format!("create tablespace small location '{place}'");
                world.pool.execute(sqlx::raw_sql(AssertSqlSafe(create))).await.unwrap();
            }
        }
        let from = if tablespace == "small" { "pg_default" } else { "small" };
        for kind in ["table", "index"] {
            let moved =
                format!("alter {kind} all in tablespace {from} owned by kefu_migrator set tablespace {tablespace}");
            // The statement locks all of them, so it may deadlock with the services' own work and is then repeated.
            let move_all = async || {
                let mut connection = world.pool.acquire().await.unwrap();
                connection.execute(sqlx::raw_sql(AssertSqlSafe(moved.clone()))).await.ok()
            };
            eventually("the tables are moved", move_all).await;
        }
    }

    /// Fills the disk for twice `lasts`.
    pub async fn fill_for(&self, lasts: Duration) {
        let ballast = self.fill();
        sleep(lasts + lasts).await;
        fs::remove_file(ballast).unwrap();
    }

    fn fill(&self) -> PathBuf {
        let path = self.directory.path().join("ballast");
        let mut ballast = File::create(&path).unwrap();
        let piece = vec![0; 1 << 16];
        while ballast.write_all(&piece).is_ok() {}
        path
    }

    /// Moves the write-ahead log of Postgres to this disk.
    pub async fn move_log(&self, world: &World) {
        relocate(world, &self.place(world, "log").join("pg_wal")).await;
    }

    /// Moves the write-ahead log of Postgres back into its data directory.
    pub async fn move_log_back(&self, world: &World) {
        relocate(world, &world.rig.postgres_data().join("pg_wal")).await;
    }

    /// Fills the disk for twice `lasts`, so that Postgres cannot extend its log and ends; then frees the disk and
    /// restarts Postgres.
    pub async fn fill_log(&self, world: &World, lasts: Duration) {
        let ballast = self.fill();
        let until = Instant::now() + lasts + lasts;
        while Instant::now() < until {
            // Starts new segments of the log, as the callers alone would take long to fill the current one.
            if let Ok(mut connection) = PgConnection::connect_with(&world.rig.superuser("public")).await {
                while connection.execute("select pg_switch_wal()").await.is_ok() && Instant::now() < until {}
            }
            sleep(Duration::from_millis(100)).await;
        }
        fs::remove_file(ballast).unwrap();
        world.rig.restart_postgres().await.unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The disk is busy while Postgres uses it, so this may fail; the namespace ends with this program anyway.
        let _ = Command::new("umount").arg("--lazy").arg(self.directory.path()).status();
    }
}

/// Stops Postgres, moves its write-ahead log to `to`, and starts Postgres again.
async fn relocate(world: &World, to: &Path) {
    let at = world.rig.postgres_data().join("pg_wal");
    world.rig.stop_postgres().await;
    let owner = fs::metadata(&at).unwrap();
    let from = fs::canonicalize(&at).unwrap();
    let beside = if to == at { at.with_extension("new") } else { to.to_owned() };
    let copied = Command::new("cp").arg("-a").arg(&from).arg(&beside).status().unwrap();
    assert!(copied.success(), "the log cannot be moved to {}", beside.display());
    if from == at {
        fs::remove_dir_all(&at).unwrap();
    } else {
        fs::remove_file(&at).unwrap();
        fs::remove_dir_all(&from).unwrap();
    }
    if to == at {
        fs::rename(&beside, &at).unwrap();
    } else {
        symlink(to, &at).unwrap();
        std::os::unix::fs::lchown(&at, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    world.rig.restart_postgres().await.unwrap();
}
