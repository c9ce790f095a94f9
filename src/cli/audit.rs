//! `mesej audit`.

mod file;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output};
use crate::domain::{AuditAction, Month};

const PATH: &str = "/v1/admin/audit";
/// Entries of a part of an export.
const PART: usize = 10_000;

/// What can be done with the audit logs.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List the newest entries of a tenant's log, or of the operators' own
    #[command(
        after_help = "Examples:\n  mesej audit list --tenant TENANT\n  mesej audit list --operators --month 2026-11\n  \
                      mesej audit list --tenant TENANT --action role_changed"
    )]
    List {
        #[command(flatten)]
        log: LogArgs,
        /// Only what this user, key or operator did, by id
        #[arg(long, value_name = "ID")]
        actor: Option<String>,
        /// Only this action, by its name
        #[arg(long)]
        action: Option<AuditAction>,
        /// Go on before this entry
        #[arg(long, value_name = "SEQ")]
        after: Option<u64>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Check that no entry was changed or removed; ends with 1 when one was
    ///
    /// Without --month all months are checked that are kept, from this one back. An entry and its hash that were noted elsewhere
    /// (--seq, --hash) show whether somebody wrote the whole log anew. With --file an export is checked by itself: keep its last hash
    /// elsewhere, it is the proof of all before.
    #[command(
        after_help = "Examples:\n  mesej audit verify --tenant TENANT\n  mesej audit verify --operators --month 2026-11 --seq 120 --hash HASH\n  \
                      mesej audit verify --file audit-2026-11.ndjson"
    )]
    Verify {
        #[command(flatten)]
        log: LogArgs,
        /// Check a file that `export` or the console wrote, without a server
        #[arg(long, value_name = "FILE", conflicts_with_all = ["of", "tenant", "operators", "month"])]
        file: Option<PathBuf>,
        /// An entry whose hash was noted
        #[arg(long, requires = "hash")]
        seq: Option<u64>,
        /// The hash that was noted
        #[arg(long, requires = "seq")]
        hash: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Print a month's entries, oldest first, one JSON object a line
    #[command(
        after_help = "Example:\n  mesej audit export --tenant TENANT --month 2026-11 > audit-2026-11.ndjson"
    )]
    Export {
        #[command(flatten)]
        log: LogArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Which log, and which month of it.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// A tenant's log, named like elsewhere
    #[arg(value_name = "TENANT", conflicts_with_all = ["tenant", "operators"])]
    of: Option<String>,
    /// A tenant's log
    #[arg(long, conflicts_with = "operators")]
    tenant: Option<String>,
    /// The operators' own log: what concerns no tenant
    #[arg(long)]
    operators: bool,
    /// The month (UTC), such as 2026-11; this one unless it is said
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,
}

impl LogArgs {
    /// The log, as parameters.
    fn named(&self) -> Result<String, CliError> {
        match (self.of.as_ref().or(self.tenant.as_ref()), self.operators) {
            (Some(tenant), _) => Ok(format!("tenant_id={}", segment(tenant))),
            (None, true) => Ok("scope=operators".to_owned()),
            (None, false) => Err(CliError::Refused {
                code: "invalid_request".to_owned(),
                message: "name a tenant, or the operators' own log by --operators".to_owned(),
            }),
        }
    }

    /// The log and the month.
    fn query(&self) -> Result<String, CliError> {
        let month = self.month.map(|month| format!("&month={month}"));
        Ok(format!("{}{}", self.named()?, month.unwrap_or_default()))
    }
}

pub(super) async fn run(command: AuditCommand) -> Result<ExitCode, CliError> {
    match command {
        AuditCommand::List {
            log,
            actor,
            action,
            after,
            admin,
        } => {
            let mut path = format!("{PATH}?{}&limit=200", log.query()?);
            let actor = actor.map(|actor| format!("&actor={}", segment(&actor)));
            let action = action.map(|action| format!("&action={action}"));
            let after = after.map(|after| format!("&after={after}"));
            path.extend([actor, action, after].into_iter().flatten());
            let answer = Api::admin(&admin)?.get(&path).await?;
            output::answer(&answer, admin.json, listed)?;
        }
        AuditCommand::Verify {
            log,
            file: Some(file),
            seq,
            hash,
            admin,
        } => {
            drop(log);
            return file::verify(&file, seq.zip(hash.as_deref()), admin.json);
        }
        AuditCommand::Verify {
            log,
            file: None,
            seq,
            hash,
            admin,
        } => {
            let noted = seq
                .zip(hash)
                .map(|(seq, hash)| format!("&seq={seq}&hash={}", segment(&hash)));
            return verify(&log, &noted.unwrap_or_default(), &admin).await;
        }
        AuditCommand::Export { log, admin } => export(&Api::admin(&admin)?, &log).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Entries as a table.
fn listed(answer: &Value) -> String {
    let flat = output::list(answer).iter().map(|entry| {
        let of = |thing: &str| {
            let kind = entry.pointer(&format!("/{thing}/kind")).map(output::plain);
            let id = entry.pointer(&format!("/{thing}/id")).map(output::plain);
            [kind, id].into_iter().flatten().collect::<Vec<_>>().join(" ")
        };
        let details = entry.get("details").filter(|details| **details != json!({}));
        json!({
            "seq": entry.get("seq"),
            "at": entry.get("at"),
            "actor": of("actor"),
            "action": entry.get("action"),
            "target": of("target"),
            "address": entry.get("address"),
            "details": details.map(output::plain),
        })
    });
    let rows: Vec<Value> = flat.collect();
    let columns = ["seq", "at", "actor", "action", "target", "address", "details"];
    let table = output::table(&rows, &columns);
    match answer.get("next").and_then(Value::as_u64) {
        Some(next) => format!("{table}and more: --after {next}\n"),
        None => table,
    }
}

/// Verifies a month, or all from this one back.
async fn verify(log: &LogArgs, noted: &str, admin: &AdminArgs) -> Result<ExitCode, CliError> {
    let api = Api::admin(admin)?;
    let mut query = log.query()?;
    let mut months = Vec::new();
    loop {
        let month = verify_month(&api, &query, noted).await?;
        let before = month
            .get("month_before")
            .and_then(Value::as_str)
            .map(str::to_owned);
        months.push(month);
        match before {
            Some(before) if log.month.is_none() => query = format!("{}&month={before}", log.named()?),
            _ => break,
        }
    }
    let is_intact = |month: &Value| month.get("is_intact") == Some(&json!(true));
    let all = months.iter().all(is_intact);
    let answer = json!({ "is_intact": all, "months": months });
    output::answer(&answer, admin.json, |answer| {
        let lines = output::list(answer).iter().map(|month| {
            let of = |name: &str| month.get(name).map(output::plain).unwrap_or_default();
            if is_intact(month) {
                let last = |name: &str| month.pointer(&format!("/last/{name}")).map(output::plain);
                match last("seq").zip(last("hash")) {
                    Some((seq, hash)) => format!(
                        "{}: intact, {} entries; entry {seq} has the hash {hash}\n",
                        of("month"),
                        of("entries")
                    ),
                    None => format!("{}: no entries\n", of("month")),
                }
            } else {
                format!(
                    "{}: broken at entry {}: {}\n",
                    of("month"),
                    of("broken_at"),
                    of("why")
                )
            }
        });
        lines.collect()
    })?;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A month is verified in parts where it is long.
async fn verify_month(api: &Api, query: &str, noted: &str) -> Result<Value, CliError> {
    let (mut after, mut entries, mut before) = (0, 0, Value::Null);
    loop {
        let path = format!("{PATH}/verify?{query}&after={after}{noted}");
        let mut part = api.get(&path).await?;
        let number = |name: &str| part.get(name).and_then(Value::as_u64);
        entries += number("entries").unwrap_or(0);
        if after == 0 {
            before = part.get("month_before").cloned().unwrap_or_default();
        }
        if let Some(next) = number("next").filter(|next| *next > after) {
            after = next;
            continue;
        }
        if let Some(fields) = part.as_object_mut() {
            fields.insert("entries".to_owned(), json!(entries));
            fields.insert("month_before".to_owned(), before);
        }
        return Ok(part);
    }
}

/// Prints a month in parts, so that none outlasts a call's deadline.
async fn export(api: &Api, log: &LogArgs) -> Result<(), CliError> {
    let query = log.query()?;
    let mut after = 0;
    loop {
        let path = format!("{PATH}/export?{query}&after={after}&limit={PART}");
        let part = api.text(&path).await?;
        if part.is_empty() {
            return Ok(());
        }
        output::print(&part)?;
        let last = part
            .lines()
            .last()
            .and_then(|line| serde_json::from_str::<Value>(line).ok());
        let last = last.and_then(|line| line.get("seq").and_then(Value::as_u64));
        match last {
            Some(last) if last > after && part.lines().count() == PART => after = last,
            _ => return Ok(()),
        }
    }
}
