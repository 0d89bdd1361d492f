//! The trace.

use emv::trace::{Event, Finding, Step};
use engine::ports::TraceEvent;

use crate::bindings::terminal::trace::trace as wit;

pub(crate) fn event(event: TraceEvent) -> wit::Event {
    match event {
        TraceEvent::Kernel(event) => kernel(event),
        TraceEvent::Engine {
            rule,
            finding: found,
            statement,
        } => wit::Event {
            step: wit::Step::Transaction,
            rule: rule.to_owned(),
            section: String::new(),
            finding: finding(found),
            statement: statement.to_owned(),
            elements: Vec::new(),
        },
    }
}

fn kernel(event: Event) -> wit::Event {
    wit::Event {
        step: step(event.step),
        rule: event.rule.to_owned(),
        section: event.section.to_owned(),
        finding: finding(event.finding),
        statement: event.statement.to_owned(),
        elements: event
            .elements
            .into_iter()
            .map(|(tag, value)| wit::DataElement {
                tag: tag.number(),
                value,
            })
            .collect(),
    }
}

fn finding(finding: Finding) -> wit::Finding {
    match finding {
        Finding::Passed => wit::Finding::Passed,
        Finding::Failed => wit::Finding::Failed,
        Finding::NotApplicable => wit::Finding::NotApplicable,
        Finding::Done => wit::Finding::Done,
    }
}

fn step(step: Step) -> wit::Step {
    match step {
        Step::ApplicationSelection => wit::Step::ApplicationSelection,
        Step::InitiateApplication => wit::Step::InitiateApplication,
        Step::ReadApplicationData => wit::Step::ReadApplicationData,
        Step::OfflineDataAuthentication => wit::Step::OfflineDataAuthentication,
        Step::ProcessingRestrictions => wit::Step::ProcessingRestrictions,
        Step::CardholderVerification => wit::Step::CardholderVerification,
        Step::TerminalRiskManagement => wit::Step::TerminalRiskManagement,
        Step::TerminalActionAnalysis => wit::Step::TerminalActionAnalysis,
        Step::CardActionAnalysis => wit::Step::CardActionAnalysis,
        Step::OnlineProcessing => wit::Step::OnlineProcessing,
        Step::IssuerScripts => wit::Step::IssuerScripts,
        Step::Completion => wit::Step::Completion,
    }
}
