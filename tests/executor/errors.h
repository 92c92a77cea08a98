#pragma once
// Launches of kernels that do what CUDA does not allow, one each.
namespace elbow::test {

void barriers_at_different_lines();
void barrier_after_others_left();
void leave_while_others_wait();
void mask_without_caller();
void mask_of_missing_lanes();
void different_operations_under_one_mask();
void wait_for_each_other();
void write_beside_shared_memory();
void write_beside_device_memory();
void too_much_declared_memory();
void copy_to_misaligned_address();
void copy_of_odd_size();
void operand_of_full_precision();
void launch_within_kernel();
/// Each of `blocks` blocks of `threads` threads adds one for each thread; how many there were.
unsigned count_threads(long blocks, int threads, unsigned long dynamic_bytes);

}  // namespace elbow::test
