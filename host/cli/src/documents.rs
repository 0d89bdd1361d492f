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
///     tenon api html > index.html
///
/// A running terminal serves them at /openapi.json and /asyncapi.json, and the
/// page at /docs.
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
    /// Both as one page for people, which needs no network
    Html,
}

/// Prints a document.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (openapi, asyncapi) = (openapi::document(), openapi::session_document());
    let text = match arguments.document {
        Document::Openapi => openapi::text(&openapi),
        Document::Asyncapi => openapi::text(&asyncapi),
        Document::Html => openapi::page(&openapi, &asyncapi),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
