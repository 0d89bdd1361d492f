//! `tenon api`: the documents of the Commerce API.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use api::openapi;
use clap::Subcommand;

/// Print the documents of the Commerce API
///
///     tenon api openapi > openapi.json
///
/// A running terminal serves them at /openapi.json and /asyncapi.json.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    document: Document,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Document {
    /// OpenAPI 3.1: what goes over HTTP
    Openapi,
    /// AsyncAPI 3.0: the session
    Asyncapi,
}

/// Prints a document.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let document = match arguments.document {
        Document::Openapi => openapi::document(),
        Document::Asyncapi => openapi::session_document(),
    };
    io::stdout().write_all(openapi::text(&document).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
