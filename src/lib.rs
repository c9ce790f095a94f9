//! Mesej, a WhatsApp messaging gateway.

pub mod actors;
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod crash;
pub mod domain;
pub mod ingest;
pub mod limiter;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod whatsapp;
