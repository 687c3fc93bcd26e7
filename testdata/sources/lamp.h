/* Oil for lamps. */
static inline int pour(int *lamp, int drops)
{
    lamp[0] += drops;
    return lamp[0] / drops;
}
