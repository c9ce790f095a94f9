//! Copying everything from one store to another, apart from serving.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::AppError;
use super::core::open_store;
use crate::config::{Backend, Config};
use crate::domain::{Clock, SteadyClock, SystemClock, TenantId};
use crate::store::Store;
use crate::store::copy::{Copy, CopyError, CopyState, Counted, count};

/// What is copied where, and how far that is, as it is kept in a file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    from: String,
    to: String,
    state: CopyState,
}

/// Rows of one kind, as they were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyLine {
    /// Whose; `None` for what is counted over all tenants.
    pub tenant: Option<TenantId>,
    /// What kind of row.
    pub rows: &'static str,
    /// How many.
    pub count: u64,
    /// What they say, whatever their order.
    pub digest: String,
}

fn lines(counted: Vec<Counted>) -> Vec<CopyLine> {
    let line = |counted: Counted| CopyLine {
        tenant: counted.tenant,
        rows: counted.what,
        count: counted.tally.rows,
        digest: format!("{:032x}", counted.tally.sum),
    };
    counted.into_iter().map(line).collect()
}

/// A copy that is wanted. Both stores are those of the settings.
#[derive(Debug, Clone)]
pub struct CopyPlan {
    /// What is read.
    pub from: Backend,
    /// What is written.
    pub to: Backend,
    /// Where it is kept how far the copy is.
    pub progress: PathBuf,
}

async fn open(config: &Config, backend: Backend, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Store>, AppError> {
    if backend == Backend::Fjall && !config.store.path.exists() {
        let path = config.store.path.display();
        return Err(AppError::NoFolder(path.to_string()));
    }
    open_made(config, backend, clock).await
}

async fn open_made(
    config: &Config,
    backend: Backend,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, AppError> {
    let mut config = config.clone();
    config.store.backend = backend;
    open_store(&config, clock).await
}

/// What a copy would take over. Changes nothing.
pub async fn preview(config: &Config, from: Backend) -> Result<Vec<CopyLine>, AppError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let source = open(config, from, &clock).await?;
    Ok(lines(count(source.as_ref(), clock.now()).await?))
}

/// Copies, or goes on where a copy was cut short; what was compared in the end.
pub async fn copy(
    config: &Config,
    plan: &CopyPlan,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<Vec<CopyLine>, AppError> {
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::over(Arc::new(SystemClock::new())));
    let source = open(config, plan.from, &clock).await?;
    // What is over by a clock that is wrong would be left behind.
    if let Some(seen) = source.last_time().await? {
        clock.resume(seen);
    }
    let target = open_made(config, plan.to, &clock).await?;
    let work = Copy {
        source: source.as_ref(),
        target: target.as_ref(),
        clock: clock.as_ref(),
    };
    let (from, to) = (format!("{:?}", plan.from), format!("{:?}", plan.to));
    let mut state = match load(&plan.progress, &from, &to)? {
        Some(state) => {
            tell("going on where it was");
            state
        }
        None => work.begin().await?,
    };
    let mut watcher = |state: &CopyState, text: &str| {
        let kept = Kept {
            from: from.clone(),
            to: to.clone(),
            state: state.clone(),
        };
        save(&plan.progress, &kept)?;
        tell(text);
        Ok(())
    };
    let counted = work.run(&mut state, &mut watcher).await?;
    // Nothing is lost if it stays: then the copy is compared once more.
    let _ = std::fs::remove_file(&plan.progress);
    Ok(lines(counted))
}

fn failed(path: &Path, reason: impl std::fmt::Display) -> CopyError {
    CopyError::Progress {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

fn load(path: &Path, from: &str, to: &str) -> Result<Option<CopyState>, CopyError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, error)),
    };
    let kept: Kept = serde_json::from_slice(&text).map_err(|error| failed(path, error))?;
    if kept.from != from || kept.to != to {
        return Err(failed(path, "it is of another copy"));
    }
    Ok(Some(kept.state))
}

/// Replaces the file as a whole.
fn save(path: &Path, kept: &Kept) -> Result<(), CopyError> {
    let text = serde_json::to_vec(kept).map_err(|error| failed(path, error))?;
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text)
        .and_then(|()| std::fs::rename(&fresh, path))
        .map_err(|error| failed(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fjall::{FjallOptions, FjallStore};

    fn settings(path: &Path) -> Config {
        let mut config = Config::load(None).unwrap();
        config.store.path = path.to_owned();
        config
    }

    #[tokio::test]
    async fn a_folder_that_is_in_use_or_not_there_is_refused_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let none = settings(&folder.path().join("none"));
        let refused = preview(&none, Backend::Fjall).await.unwrap_err();
        assert!(matches!(refused, AppError::NoFolder(_)), "{refused}");
        assert!(!none.store.path.exists());
        let open = FjallStore::open(folder.path(), FjallOptions::default()).unwrap();
        let used = settings(folder.path());
        let refused = preview(&used, Backend::Fjall).await.unwrap_err().to_string();
        assert!(
            refused.contains("another process has the store open"),
            "{refused}"
        );
        drop(open);
        let counted = preview(&used, Backend::Fjall).await.unwrap();
        assert!(counted.iter().all(|line| line.count == 0), "{counted:?}");
    }

    #[test]
    fn a_file_of_another_copy_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy.json");
        assert_eq!(load(&path, "Fjall", "Scylla").unwrap(), None);
        let state: CopyState = serde_json::from_str(r#"{"began":5,"ledgers":[],"at":null}"#).unwrap();
        let kept = Kept {
            from: "Fjall".to_owned(),
            to: "Scylla".to_owned(),
            state: state.clone(),
        };
        save(&path, &kept).unwrap();
        assert_eq!(load(&path, "Fjall", "Scylla").unwrap(), Some(state));
        let refused = load(&path, "Scylla", "Fjall").unwrap_err().to_string();
        assert!(refused.contains("of another copy"), "{refused}");
    }
}
