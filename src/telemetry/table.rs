//! How a metric is declared: one row gives its name, help, labels and the function that records it.

use ::metrics::{Counter, Gauge, Histogram, Unit};

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution, with the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

/// A declared metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its full name.
    pub name: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// Its help text.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// For each label: every value that it can have; none where the code's tables list them.
    pub values: &'static [fn() -> Vec<&'static str>],
}

impl Metric {
    /// Tells the recorder its help text and unit.
    pub(super) fn describe(&self) {
        let unit = if self.name.ends_with("_seconds") {
            Unit::Seconds
        } else if self.name.ends_with("_bytes") {
            Unit::Bytes
        } else {
            Unit::Count
        };
        match self.kind {
            Kind::Counter => ::metrics::describe_counter!(self.name, unit, self.help),
            Kind::Gauge => ::metrics::describe_gauge!(self.name, unit, self.help),
            Kind::Histogram(_) => ::metrics::describe_histogram!(self.name, unit, self.help),
        }
    }
}

/// A value from a closed set that a metric can be told apart by. Never a tenant, a phone or anything else that grows.
pub trait Label {
    /// The value as it is scraped.
    fn label(&self) -> &'static str;

    /// Every value, where the type lists them; empty where the code's tables do.
    fn every() -> &'static [Self]
    where
        Self: Sized;
}

/// Every value of a label, as it is scraped.
pub(super) fn values_of<L: Label + 'static>() -> Vec<&'static str> {
    L::every().iter().map(Label::label).collect()
}

/// A whole number as metrics take it; exact up to 2⁵³.
pub fn number(value: u64) -> f64 {
    let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    let high = u32::try_from(value >> 32).unwrap_or(u32::MAX);
    f64::from(high).mul_add(4_294_967_296.0, f64::from(low))
}

/// A whole number that may be negative as metrics take it; exact up to 2⁵³.
pub fn signed(value: i64) -> f64 {
    number(value.unsigned_abs()).copysign(if value < 0 { -1.0 } else { 1.0 })
}

/// What a metric's function returns, by its kind.
pub(super) trait Handle: Sized {
    fn of(name: &'static str, labels: Vec<::metrics::Label>) -> Self;
}

impl Handle for Counter {
    fn of(name: &'static str, labels: Vec<::metrics::Label>) -> Self {
        ::metrics::counter!(name, labels)
    }
}

impl Handle for Gauge {
    fn of(name: &'static str, labels: Vec<::metrics::Label>) -> Self {
        ::metrics::gauge!(name, labels)
    }
}

impl Handle for Histogram {
    fn of(name: &'static str, labels: Vec<::metrics::Label>) -> Self {
        ::metrics::histogram!(name, labels)
    }
}

/// Declares metrics. Each row: help as a doc comment, kind, function name, metric name, labels with their types.
macro_rules! metrics_table {
    (@kind counter) => { $crate::telemetry::Kind::Counter };
    (@kind gauge) => { $crate::telemetry::Kind::Gauge };
    (@kind histogram $buckets:ident) => { $crate::telemetry::Kind::Histogram($buckets) };
    (@handle counter) => { ::metrics::Counter };
    (@handle gauge) => { ::metrics::Gauge };
    (@handle histogram) => { ::metrics::Histogram };
    (@start counter $function:ident) => { $function().increment(0); };
    (@start counter $function:ident $type:ty) => {
        for label in <$type as $crate::telemetry::Label>::every() {
            $function(*label).increment(0);
        }
    };
    // With several labels there are too many to show, most of which never come about.
    (@start counter $function:ident $first:ty, $($rest:ty),+) => {};
    (@start gauge $($rest:tt)+) => {};
    (@start histogram $($rest:tt)+) => {};
    ($(
        #[doc = $help:literal]
        $kind:ident $(($buckets:ident))? $function:ident = $name:literal $({ $($label:ident: $type:ty),+ })?;
    )+) => {
        /// Every metric there is.
        pub const TABLE: &[$crate::telemetry::Metric] = &[$(
            $crate::telemetry::Metric {
                name: $name,
                kind: metrics_table!(@kind $kind $($buckets)?),
                help: $help.trim_ascii(),
                labels: &[$($(stringify!($label)),+)?],
                values: &[$($($crate::telemetry::table::values_of::<$type>),+)?],
            },
        )+];

        /// Shows every counter as 0, for each value of its label: one that first appears with its first event hides
        /// that event from whoever asks by how much it grew.
        pub(super) fn start_counters() {
            $( metrics_table!(@start $kind $function $($($type),+)?); )+
        }
        $(
            #[doc = $help]
            #[doc = concat!("\n\n`", $name, "`. Keep the handle where it is recorded often.")]
            pub fn $function($($($label: $type),+)?) -> metrics_table!(@handle $kind) {
                $crate::telemetry::table::Handle::of(
                    $name,
                    vec![$($(::metrics::Label::from_static_parts(
                        stringify!($label),
                        $crate::telemetry::Label::label(&$label),
                    )),+)?],
                )
            }
        )+
    };
}

/// Declares enums whose values are labels. Each variant: a doc comment, its name, the value as it is scraped.
macro_rules! label_enums {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $value:literal, )+ }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $( $(#[$variant_doc])* $variant, )+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
        }

        impl $crate::telemetry::Label for $name {
            fn label(&self) -> &'static str {
                match self { $(Self::$variant => $value),+ }
            }

            fn every() -> &'static [Self] {
                Self::ALL
            }
        }
    )+};
}

pub(super) use {label_enums, metrics_table};
