;; Uses more than a policy may, or what it does not have: the input says which.
(module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 4096))
  ;; Gives out memory and never takes it back: a run's memory is gone after it.
  (func (export "writ_alloc") (param $length i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get $length))))
  ;; Where an answer is: its address in the upper half, its length in the lower.
  (func $at (param $address i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $address)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))
  (func $eval (export "eval") (param $argument i32) (param $length i32) (result i64)
    (local $character i32)
    ;; The input stands last: a digit is followed by the object's end.
    (local.set $character
      (i32.load8_u (i32.sub (i32.add (local.get $argument) (local.get $length)) (i32.const 2))))
    (block $fine (block $loop (block $memory (block $depth (block $outside (block $json (block $much (block $trap
      (br_table $fine $loop $memory $depth $outside $json $much $trap
        (i32.sub (local.get $character) (i32.const 48))))
      (unreachable))
      (return (call $at (i32.const 0) (i32.const 2000000))))
      (return (call $at (i32.const 16) (i32.const 3))))
      (return (call $at (i32.const 65000) (i32.const 1000))))
      (return (call $eval (local.get $argument) (local.get $length))))
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (unreachable))
      (loop $again (br $again)))
    (call $at (i32.const 16) (i32.const 6)))
  (data (i32.const 16) "\"fine\""))
