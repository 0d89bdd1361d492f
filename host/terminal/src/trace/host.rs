//! `terminal:trace` for the guest.

use wasmtime::Result;

use super::TraceEvent;
use crate::{
    bindings::terminal::trace::trace as wit, parameters::to_hex, printable::printable_text,
    service::Progress, terminal::Terminal,
};

const EVENTS_MAX: u32 = 1024;
const ELEMENTS_MAX: usize = 16;
const ELEMENT_LENGTH_MAX: usize = 256;

/// The longest rule name, section and statement that are kept, in characters.
const RULE_LENGTH_MAX: usize = 32;
const SECTION_LENGTH_MAX: usize = 64;
const STATEMENT_LENGTH_MAX: usize = 256;

impl wit::Host for Terminal {
    async fn record_event(&mut self, event: wit::Event) -> Result<()> {
        if self.trace_events >= EVENTS_MAX {
            return Ok(());
        }
        self.trace_events = self.trace_events.saturating_add(1);
        let event = TraceEvent::from(event);
        tracing::debug!(
            step = event.step,
            rule = event.rule,
            finding = event.finding,
            statement = event.statement
        );
        (self.progress)(Progress::Trace(event));
        Ok(())
    }
}

impl From<wit::Event> for TraceEvent {
    fn from(event: wit::Event) -> Self {
        Self {
            step: step(event.step),
            rule: printable_text(&event.rule, RULE_LENGTH_MAX),
            section: printable_text(&event.section, SECTION_LENGTH_MAX),
            finding: match event.finding {
                wit::Finding::Passed => "passed",
                wit::Finding::Failed => "failed",
                wit::Finding::NotApplicable => "not-applicable",
                wit::Finding::Done => "done",
            },
            statement: printable_text(&event.statement, STATEMENT_LENGTH_MAX),
            elements: event
                .elements
                .iter()
                .filter(|element| element.value.len() <= ELEMENT_LENGTH_MAX)
                .take(ELEMENTS_MAX)
                .map(|element| (format!("{:02X}", element.tag), to_hex(&element.value)))
                .collect(),
        }
    }
}

fn step(step: wit::Step) -> &'static str {
    match step {
        wit::Step::ApplicationSelection => "application-selection",
        wit::Step::InitiateApplication => "initiate-application",
        wit::Step::ReadApplicationData => "read-application-data",
        wit::Step::OfflineDataAuthentication => "offline-data-authentication",
        wit::Step::ProcessingRestrictions => "processing-restrictions",
        wit::Step::CardholderVerification => "cardholder-verification",
        wit::Step::TerminalRiskManagement => "terminal-risk-management",
        wit::Step::TerminalActionAnalysis => "terminal-action-analysis",
        wit::Step::CardActionAnalysis => "card-action-analysis",
        wit::Step::OnlineProcessing => "online-processing",
        wit::Step::IssuerScripts => "issuer-scripts",
        wit::Step::Completion => "completion",
        wit::Step::Transaction => "transaction",
    }
}
