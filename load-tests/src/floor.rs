//! The floor of fan-out: a program that does nothing but write the same bytes to each of its connections.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use anyhow::Context as _;

/// Options of `mesej-load floor`.
#[derive(clap::Args, Debug, Clone)]
pub struct FloorArgs {
    /// Loopback port to listen on
    #[arg(long)]
    pub port: u16,
    /// Connections to write to, beside the first, which says what to write
    #[arg(long)]
    pub connections: usize,
}

/// Takes the connections, then writes as many bytes to each as the first one says, line by line, until it ends.
pub fn run(args: &FloorArgs) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", args.port))?;
    let (control, _) = listener.accept()?;
    let mut connections = Vec::new();
    for _ in 0..args.connections {
        let (connection, _) = listener.accept()?;
        connection.set_nodelay(true)?;
        connections.push(connection);
    }
    for line in BufReader::new(control).lines() {
        let bytes: usize = line?.parse().context("not a number of bytes")?;
        let frame = vec![b'x'; bytes];
        for connection in &mut connections {
            connection.write_all(&frame)?;
        }
    }
    Ok(())
}
