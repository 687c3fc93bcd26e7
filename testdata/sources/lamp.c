#include "lamp.h"

int wicks;

/* Fills each lamp of a row. */
int light(int *row, int count)
{
    int all = 0;
    for (int at = 0; at < count; at++)
        all += pour(&row[at], at - 1); /* é <b>& */
    return all + wicks;
}
