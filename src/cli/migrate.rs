//! `mesej migrate`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::{CliError, ConfigArgs, output};
use crate::app::migrate::{SchemaReport, migrate, schema_status};
use crate::config::Config;

/// What is wanted of the schema.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only say where the schema stands; ends with 1 unless it is as this mesej needs it
    #[arg(long, conflicts_with = "dry_run")]
    status: bool,
    /// Only print the statements that would be run
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: &MigrateArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(args.config.config.as_deref())?;
    if args.status || args.dry_run {
        let report = schema_status(&config).await?;
        let text = if args.dry_run {
            plan(&report)
        } else {
            standing(&report)
        };
        output::print(&text)?;
        let as_needed = report.applied == report.known;
        return Ok(if args.dry_run || as_needed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let holder = format!("mesej migrate, process {}", std::process::id());
    let report = migrate(&config, &holder).await?;
    output::print(&done(&report))?;
    Ok(ExitCode::SUCCESS)
}

fn standing(report: &SchemaReport) -> String {
    let SchemaReport {
        server,
        applied,
        known,
        steps,
    } = report;
    let mut text = format!("{server}: schema {applied}, this mesej needs {known}\n");
    for step in steps {
        let _ = writeln!(text, "missing: {} {}", step.version, step.name);
    }
    if applied > known {
        text.push_str("the schema is newer than this mesej: run a newer one\n");
    } else if applied < known {
        text.push_str("run `mesej migrate`\n");
    }
    text
}

fn plan(report: &SchemaReport) -> String {
    let mut text = String::new();
    for step in &report.steps {
        let _ = writeln!(text, "-- {} {}", step.version, step.name);
        for statement in &step.statements {
            let _ = writeln!(text, "{statement};\n");
        }
    }
    if text.is_empty() {
        text.push_str("nothing to do\n");
    }
    text
}

fn done(report: &SchemaReport) -> String {
    let mut text = String::new();
    for step in &report.steps {
        let _ = writeln!(text, "applied: {} {}", step.version, step.name);
    }
    let _ = writeln!(text, "{}: schema {}", report.server, report.applied);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::migrate::SchemaStep;

    fn report(applied: u32) -> SchemaReport {
        let step = SchemaStep {
            version: 2,
            name: "more".to_owned(),
            statements: vec!["CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY)".to_owned()],
        };
        SchemaReport {
            server: "Apache Cassandra".to_owned(),
            applied,
            known: 2,
            steps: if applied < 2 { vec![step] } else { Vec::new() },
        }
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_run() {
        let text = standing(&report(1));
        assert!(text.contains("schema 1, this mesej needs 2"), "{text}");
        assert!(
            text.contains("missing: 2 more") && text.contains("run `mesej migrate`"),
            "{text}"
        );
        assert!(standing(&report(3)).contains("run a newer one"));
        assert_eq!(standing(&report(2)).lines().count(), 1);
    }

    #[test]
    fn a_plan_is_a_file_of_statements() {
        assert!(plan(&report(1)).contains("CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY);"));
        assert_eq!(plan(&report(2)), "nothing to do\n");
    }
}
