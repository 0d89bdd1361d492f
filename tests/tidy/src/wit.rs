//! Every item of the boundary is documented.

use wit_parser::{Docs, Resolve, TypeDefKind};

use crate::tree::root;

#[test]
fn every_item_of_the_boundary_is_documented() {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(root().join("wit"))
        .expect("the boundary parses");
    let mut gaps = Gaps::default();
    for (_, world) in &resolve.worlds {
        gaps.check(&world.docs, &world.name);
    }
    for (_, interface) in &resolve.interfaces {
        let name = interface
            .name
            .clone()
            .expect("the boundary has no inline interface");
        gaps.check(&interface.docs, &name);
        for (function, item) in &interface.functions {
            gaps.check(&item.docs, &format!("{name}.{function}"));
        }
        for (type_name, id) in &interface.types {
            let item = resolve.types.get(*id).expect("a type of this resolve");
            // A `use` is documented where it comes from.
            if !matches!(item.kind, TypeDefKind::Type(_)) {
                let path = format!("{name}.{type_name}");
                gaps.check(&item.docs, &path);
                gaps.check_parts(&item.kind, &path);
            }
        }
    }
    assert!(
        gaps.seen > 300,
        "only {} items were seen: the walk is broken",
        gaps.seen
    );
    assert!(
        gaps.missing.is_empty(),
        "without documentation: {:#?}",
        gaps.missing
    );
}

#[derive(Default)]
struct Gaps {
    seen: usize,
    missing: Vec<String>,
}

impl Gaps {
    fn check(&mut self, docs: &Docs, path: &str) {
        self.seen = self.seen.saturating_add(1);
        if docs
            .contents
            .as_ref()
            .is_none_or(|text| text.trim().is_empty())
        {
            self.missing.push(path.to_owned());
        }
    }

    fn check_parts(&mut self, kind: &TypeDefKind, path: &str) {
        let parts: Vec<(&Docs, &str)> = match kind {
            TypeDefKind::Record(record) => record
                .fields
                .iter()
                .map(|field| (&field.docs, field.name.as_str()))
                .collect(),
            TypeDefKind::Flags(flags) => flags
                .flags
                .iter()
                .map(|flag| (&flag.docs, flag.name.as_str()))
                .collect(),
            TypeDefKind::Variant(variant) => variant
                .cases
                .iter()
                .map(|case| (&case.docs, case.name.as_str()))
                .collect(),
            TypeDefKind::Enum(cases) => cases
                .cases
                .iter()
                .map(|case| (&case.docs, case.name.as_str()))
                .collect(),
            TypeDefKind::Resource
            | TypeDefKind::Handle(_)
            | TypeDefKind::Tuple(_)
            | TypeDefKind::Option(_)
            | TypeDefKind::Result(_)
            | TypeDefKind::List(_)
            | TypeDefKind::Type(_)
            | TypeDefKind::Future(_)
            | TypeDefKind::Stream(_)
            | TypeDefKind::Unknown
            | TypeDefKind::Map(..)
            | TypeDefKind::FixedLengthList(..) => Vec::new(),
        };
        for (docs, part) in parts {
            self.check(docs, &format!("{path}.{part}"));
        }
    }
}
