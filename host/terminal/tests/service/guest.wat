;; An engine that misbehaves on demand: the amount of a transaction chooses what it does, and `run`
;; lists the choices. Everything lies at fixed addresses:
;;
;;   1024  what an import answers
;;   2048  what an export answers; zero, which reads as `approved` or as an empty record
;;   3072  one element of `settled`
;;   4096  zero: contents and receipt lines
;;  65536  what the host writes, upwards
(module
  (import "terminal:card-reader/card-reader@0.1.0" "wait-for-card"
    (func $wait_for_card (param i32 i32 i32)))
  (import "terminal:parameters/parameters@0.1.0" "is-on-exception-file"
    (func $is_on_exception_file (param i32 i32 i32 i32) (result i32)))
  (import "terminal:point-of-sale/point-of-sale@0.1.0" "proceed" (func $proceed (result i32)))
  (import "terminal:point-of-sale/point-of-sale@0.1.0" "report"
    (func $report (param i32 i32 i32 i32 i32)))
  (import "terminal:printer/printer@0.1.0" "print" (func $print (param i32 i32 i32)))
  (import "terminal:acquirer-link/acquirer-link@0.1.0" "exchange"
    (func $exchange (param i32 i32 i32 i32)))
  (import "terminal:journal/journal@0.1.0" "append"
    (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "terminal:journal/journal@0.1.0" "append-approval"
    (func $append_approval (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "terminal:journal/journal@0.1.0" "last-payment"
    (func $last_payment (param i32 i32 i32 i32 i32)))
  (import "terminal:journal/journal@0.1.0" "unsettled"
    (func $unsettled (param i64 i32 i32)))
  (import "terminal:journal/journal@0.1.0" "last-entry"
    (func $last_entry (param i32 i32 i32)))
  (import "terminal:journal/journal@0.1.0" "next" (func $next (param i32 i32)))

  (memory (export "memory") 4)
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $free) (i32.sub (local.get 2) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get 2))))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  ;; Phases and endings by their number in the WIT.
  (global $sent i32 (i32.const 1))
  (global $reversal_due i32 (i32.const 2))
  (global $approved i32 (i32.const 4))
  (global $reversed i32 (i32.const 6))
  (global $declined i32 (i32.const 1))
  (global $cancelled i32 (i32.const 2))
  (global $failed i32 (i32.const 3))

  ;; Writes an entry of `length` bytes for the transaction whose id is at `id`.
  (func $journal (param $id i32) (param $phase i32) (param $length i32)
    (call $append
      (i32.load (local.get $id)) (i32.load offset=4 (local.get $id))
      (local.get $phase) (i32.const 4096) (local.get $length) (i32.const 1024)))

  ;; ok(outcome) with an ending, a reason inside it and the state of the reversal.
  (func $outcome (param $ending i32) (param $reason i32) (param $reversal i32) (result i32)
    (i32.store8 (i32.const 2056) (local.get $ending))
    (i32.store8 (i32.const 2057) (local.get $reason))
    (i32.store8 (i32.const 2058) (local.get $reversal))
    (i32.const 2048))

  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (local.get 0)) (i32.const 1)))

  ;; Computes for some milliseconds.
  (func $compute (local $left i32)
    (local.set $left (i32.const 20000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left))))

  (func $wait (result i32)
    (call $wait_for_card (i32.const 7) (i32.const 60000) (i32.const 1024))
    (nop (;after-wait;))
    (if (i32.eqz (i32.load8_u (i32.const 1024)))
      (then (return (call $outcome (global.get $declined) (i32.const 1) (i32.const 0)))))
    ;; error-code `aborted` is 2: cancelled by the point of sale, 1; else no card, 2.
    (call $outcome (global.get $cancelled)
      (select (i32.const 1) (i32.const 2)
        (i32.eq (i32.load8_u (i32.const 1028)) (i32.const 2)))
      (i32.const 0)))

  ;; Reports a step that says no more than its number.
  (func $step (param $number i32)
    (call $report (local.get $number) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

  (func $send
    (call $exchange (i32.const 4096) (i32.const 4) (i32.const 60000) (i32.const 1024)))

  (func $authorise (param $request i32) (result i32)
    (call $step (i32.const 0))
    (if (i32.eqz (call $proceed))
      (then (return (call $outcome (global.get $cancelled) (i32.const 1) (i32.const 0)))))
    (call $journal (local.get $request) (global.get $sent) (i32.const 10))
    (call $step (i32.const 3))
    (call $send)
    (if (i32.load8_u (i32.const 1024))
      (then
        (call $journal (local.get $request) (global.get $reversal_due) (i32.const 10))
        (return (call $outcome (global.get $failed) (i32.const 3) (i32.const 1)))))
    (call $journal (local.get $request) (global.get $approved) (i32.const 10))
    (i64.store (i32.const 2064) (i64.load offset=16 (local.get $request)))
    (i32.const 2048))

  (func (export "terminal:engine/transactions@0.1.0#run") (param $request i32) (result i32)
    (local $amount i32)
    (local $left i32)
    (local.set $amount (i32.wrap_i64 (i64.load offset=16 (local.get $request))))
    (block $report_again (block $pay_another (block $look_up (block $read_the_exception_file (block $approve_another (block $read_another (block $send_twice (block $send_without_entry
    (block $hold_two_cards (block $begun_to_approved (block $print_too_much
    (block $approved_without_entry (block $pointer_outside (block $unknown_ending
    (block $refuse (block $compute_between_calls (block $grow_the_journal
    (block $wait_for_a_card (block $authorise (block $sent_and_trap (block $print_a_line
    (block $trap (block $recurse (block $grow (block $loop (block $well (block $call_the_host
      (br_table $well $loop $grow $recurse $trap $call_the_host $hold_two_cards
        $begun_to_approved $print_too_much $approved_without_entry $pointer_outside
        $unknown_ending $refuse $compute_between_calls $grow_the_journal $wait_for_a_card
        $authorise $sent_and_trap $print_a_line $send_without_entry $send_twice $read_another
        $approve_another $read_the_exception_file $look_up $pay_another
        $report_again $well
        (local.get $amount)))
    ;; call_the_host
      (loop $again (drop (call $proceed)) (br $again)) (unreachable))
    ;; well: cancelled, no card
      (return (call $outcome (global.get $cancelled) (i32.const 2) (i32.const 0))))
    ;; loop
      (loop $again (br $again)) (unreachable))
    ;; grow
      (loop $again (drop (memory.grow (i32.const 1))) (br $again)) (unreachable))
    ;; recurse
      (return (call $recurse (i32.const 0))))
    ;; trap
      (unreachable))
    ;; print_a_line
      (call $print (i32.const 4096) (i32.const 1) (i32.const 1024))
      (return (call $outcome (global.get $cancelled) (i32.const 2) (i32.const 0))))
    ;; sent_and_trap
      (call $journal (local.get $request) (global.get $sent) (i32.const 10)) (unreachable))
    ;; authorise
      (return (call $authorise (local.get $request))))
    ;; wait_for_a_card
      (return (call $wait)))
    ;; grow_the_journal
      (call $journal (local.get $request) (global.get $sent) (i32.const 0))
      (loop $again
        (call $journal (local.get $request) (global.get $reversal_due) (i32.const 16384))
        (br $again))
      (unreachable))
    ;; compute_between_calls
      (loop $again (call $compute) (drop (call $proceed)) (br $again)) (unreachable))
    ;; refuse: err(journal-fault)
      (i32.store8 (i32.const 2048) (i32.const 1))
      (i32.store8 (i32.const 2056) (i32.const 3))
      (return (i32.const 2048)))
    ;; unknown_ending
      (return (call $outcome (i32.const 77) (i32.const 0) (i32.const 0))))
    ;; pointer_outside
      (return (i32.const -8)))
    ;; approved_without_entry
      (return (i32.const 2048)))
    ;; print_too_much
      (call $print (i32.const 4096) (i32.const 101) (i32.const 1024)) (unreachable))
    ;; begun_to_approved
      (call $journal (local.get $request) (global.get $approved) (i32.const 0)) (unreachable))
    ;; hold_two_cards
      (drop (call $wait)) (drop (call $wait)) (unreachable))
    ;; send_without_entry
      (call $send) (return (call $outcome (global.get $declined) (i32.const 2) (i32.const 0))))
    ;; send_twice
      (call $journal (local.get $request) (global.get $sent) (i32.const 10))
      (call $send) (call $send) (unreachable))
    ;; read_another: the transaction named by the first eight letters of its own
      (call $last_entry (i32.load (local.get $request)) (i32.const 8) (i32.const 1024))
      (return (call $outcome (global.get $cancelled) (i32.const 2) (i32.const 0))))
    ;; approve_another
    (call $unsettled (i64.const 0) (i32.const 16) (i32.const 1024))
    (if (i32.load (i32.const 1032)) (then
      (call $journal (i32.add (i32.load (i32.const 1028)) (i32.const 8))
        (global.get $approved) (i32.const 10))))
    (return (call $outcome (global.get $cancelled) (i32.const 2) (i32.const 0))))
    ;; read_the_exception_file: one question more than is allowed, about eight zeros
    (local.set $left (i32.const 33))
    (loop $again
      (drop (call $is_on_exception_file
        (i32.const 4096) (i32.const 8) (i32.const 0) (i32.const 0)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (return (call $outcome (global.get $cancelled) (i32.const 2) (i32.const 0))))
    ;; look_up: what a card of eight zeros paid, again and again
      (loop $again
        (call $last_payment (i32.const 4096) (i32.const 8) (i32.const 0) (i32.const 0)
          (i32.const 1024))
        (br $again))
      (unreachable))
    ;; pay_another: approves the transaction named by the first eight letters of its own
    (call $append_approval (i32.load (local.get $request)) (i32.const 8) (global.get $approved)
      (i32.const 4096) (i32.const 10) (i32.const 4096) (i32.const 8) (i32.const 0) (i32.const 0)
      (i32.const 1024))
    (return (call $outcome (global.get $cancelled) (i32.const 2) (i32.const 0))))
    ;; report_again: one step more than is allowed
    (local.set $left (i32.const 65))
    (loop $again
      (call $step (i32.const 0))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (call $outcome (global.get $cancelled) (i32.const 2) (i32.const 0)))

  ;; Reverses the oldest transaction that was sent, and says so.
  (func (export "terminal:engine/transactions@0.1.0#recover")
    (param i32 i32 i32 i32 i32 i32 i32) (result i32)
    (local $entry i32)
    (nop (;recover;))
    (call $unsettled (i64.const 0) (i32.const 16) (i32.const 1024))
    (if (i32.load (i32.const 1032)) (then
      (local.set $entry (i32.load (i32.const 1028)))
      ;; The id lies at offset 8 of an entry, the phase at 16.
      (if (i32.eq (i32.load8_u offset=16 (local.get $entry)) (global.get $sent)) (then
        (call $journal (i32.add (local.get $entry) (i32.const 8))
          (global.get $reversal_due) (i32.const 10))))
      (call $send)
      (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 2048))))
      (call $journal (i32.add (local.get $entry) (i32.const 8))
        (global.get $reversed) (i32.const 10))
      (i64.store (i32.const 3072) (i64.load offset=8 (local.get $entry)))
      (i32.store8 (i32.const 3080) (global.get $failed))
      (i32.store8 (i32.const 3081) (i32.const 3))
      (i32.store8 (i32.const 3082) (i32.const 2))
      (i32.store (i32.const 2052) (i32.const 3072))
      (i32.store (i32.const 2056) (i32.const 1))))
    (i32.const 2048))

  (func (export "terminal:engine/transactions@0.1.0#reconcile")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.const 2048))
  (func (export "terminal:engine/transactions@0.1.0#describe") (result i32)
    (nop (;describe;))
    (i32.const 2048))
  (func (export "terminal:engine/transactions@0.1.0#self-test") (result i32)
    (i32.const 2048)))
