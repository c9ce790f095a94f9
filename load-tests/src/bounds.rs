//! What a rig's figures have to keep to. All are printed, and its exit code is 1 when one is broken.

use std::process::ExitCode;

use serde_json::{Value, json};

/// A figure that may not be more than so much.
struct Bound {
    figure: String,
    was: f64,
    most: f64,
}

impl Bound {
    /// What cannot be told is not kept.
    fn is_kept(&self) -> bool {
        self.was <= self.most
    }
}

/// The bounds of one run.
#[derive(Default)]
pub struct Bounds(Vec<Bound>);

impl Bounds {
    /// Holds a figure against its bound.
    pub fn hold(&mut self, figure: &str, was: f64, most: f64) {
        self.0.push(Bound {
            figure: figure.to_owned(),
            was,
            most,
        });
    }

    /// Each with what was measured.
    pub fn line(&self) -> Value {
        self.0
            .iter()
            .map(|bound| {
                json!({ "figure": bound.figure, "was": bound.was, "most": bound.most, "kept": bound.is_kept() })
            })
            .collect()
    }

    fn are_kept(&self) -> bool {
        self.0.iter().all(Bound::is_kept)
    }

    /// Whether all are kept.
    pub fn exit_code(&self) -> ExitCode {
        if self.are_kept() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// How many times longer something takes than in quiet, beside how many times longer a bystander's takes: what the machine
/// makes of both is no fault of the first. A bystander that became faster excuses nothing.
pub fn beside_a_bystander(times: f64, bystander_times: f64) -> f64 {
    times / bystander_times.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_fails_when_one_bound_is_broken_or_cannot_be_told() {
        let kept = |figures: &[f64]| {
            let mut bounds = Bounds::default();
            for was in figures {
                bounds.hold("figure", *was, 2.0);
            }
            bounds.are_kept()
        };
        assert!(kept(&[1.0, 2.0]));
        assert!(!kept(&[1.0, 2.1]));
        assert!(!kept(&[f64::NAN]));
    }

    #[test]
    fn what_slows_a_bystander_as_well_is_not_counted() {
        let near = |left: f64, right: f64| (left - right).abs() < 1e-9;
        assert!(near(beside_a_bystander(6.0, 3.0), 2.0));
        assert!(near(beside_a_bystander(6.0, 0.5), 6.0));
    }
}
