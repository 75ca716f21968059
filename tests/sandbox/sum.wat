;; Returns the sum of its input's bytes plus what its memory and its global hold, which is nothing at
;; each run, as eight hexadecimal digits.
(module
  (memory (export "memory") 1)
  (global $left (mut i32) (i32.const 0))
  (func (export "writ_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "eval") (param $at i32) (param $length i32) (result i64)
    (local $sum i32) (local $digit i32) (local $index i32)
    (local.set $sum (i32.add (global.get $left) (i32.load (i32.const 0))))
    (block $end
      (loop $next
        (br_if $end (i32.eqz (local.get $length)))
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next)))
    (global.set $left (local.get $sum))
    (i32.store (i32.const 0) (local.get $sum))
    (i32.store8 (i32.const 16) (i32.const 34))
    (i32.store8 (i32.const 25) (i32.const 34))
    (local.set $index (i32.const 24))
    (loop $digits
      (local.set $digit (i32.and (local.get $sum) (i32.const 15)))
      (i32.store8 (local.get $index)
        (i32.add (local.get $digit)
          (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $digit) (i32.const 9)))))
      (local.set $sum (i32.shr_u (local.get $sum) (i32.const 4)))
      (local.set $index (i32.sub (local.get $index) (i32.const 1)))
      (br_if $digits (i32.gt_u (local.get $index) (i32.const 16))))
    (i64.const 0x10_0000000a)))
